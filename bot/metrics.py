"""Prometheus metrics of one bot process, in a registry of their own. Labels take few values, whatever people send."""

import math
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from bot import __version__
from shared.engine import EngineStatus

_FAST: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
_SLOW: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 900)
_LONG: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """What is counted. It is the batchers' `Observer` too."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        new: dict[str, Any] = {"registry": self.registry, "namespace": "hearth"}
        self._ack = Histogram(
            "acknowledgement_seconds", "Until an interaction is acknowledged", buckets=_FAST, **new
        )
        self._answer = Histogram(
            "answer_seconds", "From an interaction to its answer", ["group"], buckets=_SLOW, **new
        )
        self._answers = Counter("answers", "Interactions by outcome", ["group", "command", "outcome"], **new)
        self._quota = Counter("quota_refusals", "Requests refused by quota", **new)
        self._waiting = Gauge("queue_waiting", "Requests that wait for a model", ["model"], **new)
        self._batch = Histogram("batch_size", "Requests in a batch", ["model"], buckets=_SIZES, **new)
        self._inference = Histogram(
            "batch_seconds", "Until a batch is answered", ["model"], buckets=_SLOW, **new
        )
        self._errors = Counter("model_errors", "Requests to models that failed", ["model", "kind"], **new)
        # Not "job": by that name Prometheus calls what it scrapes.
        self._jobs = Counter("job_runs", "Attempts at runs of jobs by outcome", ["name", "outcome"], **new)
        self._job = Histogram(
            "job_seconds", "From the start of an attempt to its end", ["name"], buckets=_LONG, **new
        )
        self._lag = Histogram("event_loop_lag_seconds", "How late the event loop turns", buckets=_FAST, **new)
        self._restarts = Gauge("worker_restarts", "Workers that died and were started again", **new)
        self._rss = Gauge("worker_resident_mebibytes", "Memory of the worker", **new)
        self._alive = Gauge("worker_alive", "Whether the worker runs", **new)
        self._well = Gauge("check_ok", "Whether each check of readiness is well", ["check"], **new)
        self._free = Gauge("data_free_bytes", "Room left where the data folder is", **new)
        self._size = Gauge("data_size_bytes", "Size of the disk that the data folder is on", **new)
        self._backup = Gauge("backup_age_seconds", "Since the newest backup was begun", **new)
        self._aside = Gauge("plugins_quarantined", "Plugins that were set aside", **new)
        self._latency = Gauge("gateway_latency_seconds", "From a heartbeat to its acknowledgement", **new)
        for unknown in (self._free, self._size, self._backup, self._latency):
            unknown.set(math.nan)
        # Memory, processor time and open files of this process.
        ProcessCollector(registry=self.registry, namespace="hearth_bot")
        Gauge("build_info", "Version", ["version"], **new).labels(__version__).set(1)

    def acknowledged(self, seconds: float) -> None:
        """Count an acknowledgement."""
        self._ack.observe(seconds)

    def answered(self, group: str, command: str, outcome: str, seconds: float) -> None:
        """Count an answer; `outcome` is ok, refused, fault, cancelled or lost."""
        self._answers.labels(group, command, outcome).inc()
        self._answer.labels(group).observe(seconds)

    def quota_refused(self) -> None:
        """Count a refusal by quota."""
        self._quota.inc()

    def batch_cut(self, model: str, size: int, waiting: int) -> None:
        """Count a batch that was sent."""
        self._batch.labels(model).observe(size)
        self._waiting.labels(model).set(waiting)

    def batch_done(self, model: str, size: int, seconds: float) -> None:
        """Count a batch that came back."""
        self._inference.labels(model).observe(seconds)

    def failed(self, model: str, kind: str) -> None:
        """Count a request that a model did not answer."""
        self._errors.labels(model, kind).inc()

    def job_ended(self, job: str, outcome: str, seconds: float) -> None:
        """Count an attempt at a run; `outcome` is done, failed, waiting (for another attempt), skipped or lost."""
        self._jobs.labels(job, outcome).inc()
        self._job.labels(job).observe(seconds)

    def lagged(self, seconds: float) -> None:
        """Count how late the event loop turned."""
        self._lag.observe(seconds)

    def engine(self, status: EngineStatus) -> None:
        """Take over the engine's state."""
        self._restarts.set(status.restarts)
        self._rss.set(status.rss_mib)
        self._alive.set(status.alive)

    def surroundings(
        self, *, free: float, size: float, backup_age: float, quarantined: int, latency: float
    ) -> None:
        """Take over what the bot stands on; NaN stands for what is not known."""
        self._free.set(free)
        self._size.set(size)
        self._backup.set(backup_age)
        self._aside.set(quarantined)
        self._latency.set(latency)

    def checked(self, check: str, well: bool) -> None:
        """Take over what a check of readiness has found."""
        self._well.labels(check).set(well)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
