"""Sweep: the runs of a grid of settings, side by side, in one folder."""
