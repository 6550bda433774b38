"""The `minibento` command."""
