"""Sends traces by OpenTelemetry, where the standard variables name a receiver: `OTEL_EXPORTER_OTLP_ENDPOINT`.

Everything else is set by OpenTelemetry's own variables too (headers, sampler, delays). Needs the extra
`hearth-bot[otel]`; without it the bot runs on and says so. The worker has its own, told by the same environment.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from shared.tracing import NO_TRACES, Traces

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PACKAGES: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
SPOKEN: Final = "http/protobuf"


def wanted(environ: Mapping[str, str]) -> str | None:
    """Return where the environment says traces shall go; None where it says so of none."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() == "none":
        return None
    return next((where for name in ENDPOINTS if (where := environ.get(name, "").strip())), None)


def hindrance(environ: Mapping[str, str]) -> str | None:
    """Say why traces that are wanted cannot be sent; None where they can."""
    spoken = next((how for name in PROTOCOLS if (how := environ.get(name, "").strip())), SPOKEN)
    if spoken != SPOKEN:
        return f"the protocol {spoken} is not spoken here, {SPOKEN} is"
    if not all(_installed(package) for package in PACKAGES):
        return "the extra is missing: pip install 'hearth-bot[otel]'"
    return None


def traces_of(environ: Mapping[str, str], service: str) -> Traces:
    """Return what traces as the environment says; nothing is traced where it says nothing."""
    if wanted(environ) is None:
        return NO_TRACES
    if (why := hindrance(environ)) is not None:
        # Imported late, for the worker, which writes its lines by itself.
        import structlog

        structlog.get_logger("hearth.tracing").error("no traces are sent", reason=why)
        return NO_TRACES
    # Imported late: whoever traces nothing pays nothing.
    from bot.otel import OtelTraces

    return OtelTraces(service)


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
