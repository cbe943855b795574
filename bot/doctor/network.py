"""Checks of what the bot listens on and sends to: the port of health and metrics, and the receiver of traces."""

import asyncio
import ipaddress
import os
import socket
from typing import Final

from yarl import URL

from bot.doctor.finding import Finding
from bot.tracing import hindrance, wanted
from shared.settings import Settings

REACH_SECONDS: Final = 3


async def http_port(settings: Settings) -> list[Finding]:
    """Try the port of health and metrics, and look who can reach it."""
    host, port = settings.http_host, settings.http_port
    if port is None:
        return [Finding("http port", "warning", "health and metrics are off", "Set HEARTH_HTTP_PORT.")]
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        seen = f"{host}:{port}: {error.strerror}"
        return [
            Finding("http port", "warning", seen, "Set HEARTH_HTTP_PORT, unless the bot is what runs there.")
        ]
    if not _is_loopback(host):
        seen = f"{host}:{port} is free, and open to the network without a password"
        remedy = "Set HEARTH_HTTP_HOST=127.0.0.1; in a container publish the port to loopback only."
        return [Finding("http port", "warning", seen, remedy)]
    return [Finding("http port", "ok", f"{host}:{port} is free")]


async def traces() -> list[Finding]:
    """Look whether traces that are wanted can be sent."""
    if (endpoint := wanted(os.environ)) is None:
        return [Finding("traces", "ok", "off; OTEL_EXPORTER_OTLP_ENDPOINT switches them on")]
    try:
        url = URL(endpoint)
    except ValueError:
        return [
            Finding("traces", "problem", "the endpoint is no address", "Mend OTEL_EXPORTER_OTLP_ENDPOINT.")
        ]
    # An address may hold a password.
    where = f"{url.host}:{url.port}"
    if url.host is None or url.scheme not in ("http", "https"):
        return [
            Finding("traces", "problem", "the endpoint is no address", "Mend OTEL_EXPORTER_OTLP_ENDPOINT.")
        ]
    if (why := hindrance(os.environ)) is not None:
        return [
            Finding("traces", "problem", f"wanted at {where}, but {why}", "Mend it, or unset the variable.")
        ]
    try:
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(url.host, url.port)
    except (TimeoutError, OSError):
        remedy = "Start what receives them; the bot answers without it."
        return [Finding("traces", "warning", f"{where} does not answer", remedy)]
    writer.close()
    return [Finding("traces", "ok", f"sent to {where}")]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
