"""A Ray cluster of several nodes on this machine, for tests of what spreads over machines."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest


@contextmanager
def machines(count: int) -> Iterator[Any]:
    """Start `count` nodes with two CPUs each; this process belongs to the first.

    Yields Ray's `Cluster`; `worker_nodes` of it are the others. Skips the test where Ray is not installed.
    """
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'hearth-bot[ray]'")
    environment = pytest.MonkeyPatch()
    # As a machine finds Hearth and its plugins where they are installed, so do nodes find what this process does.
    environment.setenv("PYTHONPATH", os.pathsep.join(os.path.abspath(entry) for entry in sys.path))
    environment.setenv("RAY_AUTH_MODE", "token")
    environment.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # It reads how to be secured when it is imported.
    import ray
    from ray.cluster_utils import Cluster

    # A machine that is gone is known to be within 3 seconds, not 15.
    head = {
        "num_cpus": 2,
        "include_dashboard": False,
        "_system_config": {"health_check_period_ms": 500, "health_check_initial_delay_ms": 0},
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(count - 1):
            cluster.add_node(num_cpus=2)
        ray.init(address=cluster.address, namespace="hearth", log_to_driver=False, configure_logging=False)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
        environment.undo()
