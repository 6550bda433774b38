"""`python -m minibento.testing.chaos URL`."""

from minibento.testing.chaos.command import main

if __name__ == "__main__":
    main()
