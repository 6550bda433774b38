"""Places outside this machine that versions are pushed to and pulled from."""
