"""Traces: where the time of one request goes, from chat to the worker; by default nothing is traced.

A span is named by its W3C `traceparent`, within a process and between processes alike. What people write is in none:
attributes are names, counts and seconds.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Protocol

Value = str | int | float | bool
HERE: Final[ContextVar[str | None]] = ContextVar("traceparent", default=None)
"""The span that this code runs in; implementations of `Traces` set it."""


class Span(Protocol):
    """One step of a trace."""

    @property
    def traceparent(self) -> str | None:
        """Return its name, None where nothing is traced."""
        ...

    def note(self, **attributes: Value) -> None:
        """Add attributes."""
        ...

    def link(self, traceparent: str | None) -> None:
        """Point to a span that belongs to it, perhaps of another trace."""
        ...


class Traces(Protocol):
    """Opens spans; each ends with its `with` block, and notes the class of what was raised there."""

    def trace(self, name: str, **attributes: Value) -> AbstractContextManager[Span]:
        """Begin a trace."""
        ...

    def span(
        self, name: str, *, parent: str | None = None, links: Sequence[str] = (), **attributes: Value
    ) -> AbstractContextManager[Span]:
        """Open a span below `parent`, by default below the one that this code runs in; outside of any, nothing."""
        ...

    def close(self, seconds: float) -> None:
        """Send what is not sent yet, but for no longer than `seconds`; blocks."""
        ...


class _NoSpan:
    """A span of which nothing is kept; one for all."""

    traceparent: str | None = None

    def note(self, **attributes: Value) -> None:
        """Keep nothing."""

    def link(self, traceparent: str | None) -> None:
        """Keep nothing."""

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class NoTraces:
    """Traces nothing."""

    def trace(self, name: str, **attributes: Value) -> AbstractContextManager[Span]:
        """Open nothing."""
        return NO_SPAN

    def span(
        self, name: str, *, parent: str | None = None, links: Sequence[str] = (), **attributes: Value
    ) -> AbstractContextManager[Span]:
        """Open nothing."""
        return NO_SPAN

    def close(self, seconds: float) -> None:
        """Send nothing."""


NO_SPAN: Final = _NoSpan()
NO_TRACES: Final = NoTraces()


def here() -> str | None:
    """Return the traceparent of the span that this code runs in, to be sent along to another process."""
    return HERE.get()


def trace_id() -> str | None:
    """Return the id of the trace that this code runs in, for a log line."""
    current = HERE.get()
    return None if current is None else current[3:35]
