"""The proposers, one a module; each declares a `PROPOSER`."""
