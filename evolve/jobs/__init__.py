"""Numbered jobs that each repeat a whole search, serially or in several workers.

A job is a pure function of a number. Its result is the same for each kind and number of workers,
for each order of arrival, and after the death of a worker.
"""
