"""Live view: a server on this machine that shows run folders and writes nothing."""
