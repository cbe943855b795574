"""A Ray cluster of several nodes on this machine, for tests of what spreads over machines."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def machines(count: int) -> Iterator[Any]:
    """Start `count` nodes with two CPUs each; this process belongs to the first.

    Yields Ray's `Cluster`; `worker_nodes` of it are the others. Skips the test where Ray is not installed.
    """
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'hearth-bot[ray]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray.cluster_utils import Cluster

    # As a machine finds Hearth and its plugins where they are installed, so do nodes find what this process does.
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
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
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
