"""Cluster of dask.distributed: pure calls and epochs on the workers of many machines."""

from evolve.cluster.calls import ClusterError, WorkerError
from evolve.cluster.cluster import Cluster
from evolve.cluster.executor import ClusterExecutor
from evolve.cluster.remote import Blob, open_once

__all__ = ["Blob", "Cluster", "ClusterError", "ClusterExecutor", "WorkerError", "open_once"]
