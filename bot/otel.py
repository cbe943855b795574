"""Traces by OpenTelemetry, sent as OTLP over HTTP; `bot.tracing` imports it where traces are wanted."""

import asyncio
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from shared.errors import Refusal
from shared.tracing import HERE, NO_SPAN, Span, Value

DELAY_MS: Final = 1000
"""How often spans are sent, unless `OTEL_BSP_SCHEDULE_DELAY` says so."""


class OtelTraces:
    """Traces by OpenTelemetry; `service` names the process where `OTEL_SERVICE_NAME` does not."""

    def __init__(self, service: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME") or service
        resource = Resource.create({"service.name": name, "process.pid": os.getpid()})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        # A worker is killed where its bot ends: what it has not sent by then is lost.
        delay = int(os.environ.get("OTEL_BSP_SCHEDULE_DELAY") or DELAY_MS)
        processor = BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=delay)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("hearth")

    def trace(self, name: str, **attributes: Value) -> AbstractContextManager[Span]:
        """Begin a trace."""
        return self._open(name, None, (), attributes)

    def span(
        self, name: str, *, parent: str | None = None, links: Sequence[str] = (), **attributes: Value
    ) -> AbstractContextManager[Span]:
        """Open a span below `parent`, by default below the one that this code runs in; outside of any, nothing."""
        above = parent or HERE.get()
        return NO_SPAN if above is None else self._open(name, above, links, attributes)

    def close(self, seconds: float) -> None:
        """Send what is not sent yet, but for no longer than `seconds`."""
        # A receiver that is away would hold the process up for half a minute.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(seconds)

    @contextmanager
    def _open(
        self, name: str, parent: str | None, links: Sequence[str], attributes: Mapping[str, Value]
    ) -> Iterator[Span]:
        context = trace.set_span_in_context(_remote(parent) if parent else trace.INVALID_SPAN)
        span = self._tracer.start_span(
            name,
            context=context,
            links=[trace.Link(_remote(each).get_span_context()) for each in links],
            attributes=_named(attributes),
        )
        own = _OtelSpan(span)
        token = HERE.set(own.traceparent)
        try:
            yield own
        except asyncio.CancelledError:
            span.set_attribute("hearth.cancelled", True)
            raise
        except BaseException as error:
            # Its class alone: a message may quote what somebody wrote.
            span.set_attribute("error.type", type(error).__name__)
            if not isinstance(error, Refusal):
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            HERE.reset(token)
            span.end()


class _OtelSpan:
    """A span as `shared.tracing.Span` has it."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent: str | None = (
            f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
        )

    def note(self, **attributes: Value) -> None:
        """Add attributes."""
        self._span.set_attributes(_named(attributes))

    def link(self, traceparent: str | None) -> None:
        """Point to a span that belongs to it, perhaps of another trace."""
        if traceparent is not None:
            self._span.add_link(_remote(traceparent).get_span_context())


def _remote(traceparent: str) -> trace.Span:
    """Return the span of that name, which may belong to another process."""
    _, trace_id, span_id, flags = traceparent.split("-")
    context = trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16)))
    return trace.NonRecordingSpan(context)


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {f"hearth.{name}": value for name, value in attributes.items()}
