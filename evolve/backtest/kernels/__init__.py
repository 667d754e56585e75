"""Compiled kernels of the simulation: a reference kernel, and faster ones that are tested on it."""
