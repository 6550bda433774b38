"""The servers that are compared, one small file each; each runs in a process of its own."""
