"""What the user declares: a class whose marked methods become a service."""
