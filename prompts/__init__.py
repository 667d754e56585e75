"""Words sent to a model."""
