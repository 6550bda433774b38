"""Runners: the models' workers, as the user declares and calls them."""
