"""Structured logs on standard error, with secrets taken out of everything that is written, tracebacks included."""

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from types import TracebackType
from typing import Any, Final

import structlog

from shared.tracing import trace_id

MASK: Final = "[redacted]"
SHORTEST_SECRET: Final = 6
"""A shorter one would tear holes into ordinary words."""

_PATTERNS: Final = (
    # A bot token: base64 of the id, a time, a signature.
    (re.compile(r"[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}"), MASK),
    # As "Authorization: Bot …", as JSON, and as the pair of bytes that aiohttp shows.
    (
        re.compile(
            r"(?i)(authorization[\\'\"]*\s*[:=,]\s*(?:b?[\\'\"]+)?(?:(?:bot|bearer|basic)\s+)?)[^\s'\",}]+"
        ),
        rf"\1{MASK}",
    ),
    # Tokens of webhooks and interactions stand in the path, passwords before the host.
    (re.compile(r"(/(?:webhooks|interactions)/\d+/)[A-Za-z0-9_.~%-]{16,}"), rf"\1{MASK}"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s]+@"), rf"\1{MASK}@"),
    # What makes an attachment's address valid, and what others put into theirs.
    (
        re.compile(
            r"(?i)([?&](?:ex|is|hm|sig|signature|token|access_token|api_key|key|password)=)[^&\s'\"]+"
        ),
        rf"\1{MASK}",
    ),
)
_SECRET_NAMES: Final = frozenset({"token", "authorization", "password", "secret", "api_key", "cookie"})
# What may stand on several lines; elsewhere a line break could be a stranger's attempt at a line of ours.
_MULTILINE: Final = frozenset({"exception", "stack", "trace"})
_CONTROLS: Final = {c: f"\\x{c:02x}" for c in (*range(32), *range(127, 160)) if chr(c) not in "\n\t"}
_LINE_ENDS: Final = {ord("\n"): "\\n", 0x2028: "\\u2028", 0x2029: "\\u2029"}
Event = MutableMapping[str, Any]


class Redactor:
    """Takes secrets out of log events: the given ones, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        """Clean every value of an event."""
        for name, value in event.items():
            # structlog's own, which is taken away before anything is written.
            if not name.startswith("_"):
                event[name] = self._field(name, value)
        return event

    def clean(self, value: Any) -> Any:
        """Clean strings wherever they stand in a value; other objects by their representation."""
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {self.clean(k): self._field(k, v) for k, v in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.clean(v) for v in value]
        text = value if isinstance(value, str) else _shown(value)
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text

    def _field(self, name: object, value: Any) -> Any:
        if isinstance(name, str) and name.lower() in _SECRET_NAMES and value is not None:
            return MASK
        return self.clean(value)


def configure(level: str, style: str, secrets: Iterable[str]) -> None:
    """Send structlog's and the standard library's logs to standard error, as JSON lines or for a console."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        with_trace,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        Redactor(secrets),
    ]
    renderers: list[Any] = (
        [structlog.processors.JSONRenderer(ensure_ascii=False)]
        if style == "json"
        else [
            one_line,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Their everyday lines say nothing that ours do not; aiohttp's and SQLAlchemy's hold whole requests.
    for chatty in (
        "discord",
        "aiohttp",
        "sqlalchemy",
        "apscheduler",
        "asyncio",
        "PIL",
        "alembic",
        "aiosqlite",
    ):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    sys.excepthook = _uncaught


def with_trace(_logger: object, _method: str, event: Event) -> Event:
    """Name the trace that the line belongs to, where there is one."""
    if (current := trace_id()) is not None:
        event.setdefault("trace_id", current)
    return event


def one_line(_logger: object, _method: str, event: Event) -> Event:
    """Show line ends and control characters instead of obeying them: a text may hold a terminal's commands."""
    for name, value in event.items():
        if isinstance(value, str):
            ends = {} if name in _MULTILINE else _LINE_ENDS
            event[name] = value.translate({**_CONTROLS, **ends})
        elif isinstance(value, dict | list):
            event[name] = repr(value)
    return event


def _shown(value: object) -> str:
    try:
        return repr(value)
    # An object that cannot be shown must not cost the line that it stands in.
    except Exception as error:
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger("hearth").critical("uncaught", exc_info=(kind, error, trace))
