"""What a model answered, read as programs."""
