"""`python -m minibento.cli` is the `minibento` command, for where no script is on the path."""

from minibento.cli.main import main

if __name__ == "__main__":
    main()
