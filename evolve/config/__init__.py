"""Experiment: its schema, and a YAML reader that reports every error with its line."""

from evolve.config.diagnose import ConfigError
from evolve.config.load import load_experiment
from evolve.config.schema import Experiment

__all__ = ["ConfigError", "Experiment", "load_experiment"]
