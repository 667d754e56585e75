"""One experiment: planned, run, reported and audited."""
