"""The experiment: its schema, and YAML read so that every mistake has a line."""

from evolve.config.load import ConfigError, load_experiment
from evolve.config.schema import Experiment

__all__ = ["ConfigError", "Experiment", "load_experiment"]
