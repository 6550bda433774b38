"""How a server is configured: what its keys are, where their values come from."""
