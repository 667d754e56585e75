"""What a run may claim."""
