"""What the user declares: a class, its API methods, its hooks. Compiled elsewhere."""
