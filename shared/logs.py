"""Structured logs on standard error, with secrets taken out of everything that is written, tracebacks included."""

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

import structlog

MASK: Final = "[redacted]"
_PATTERNS: Final = (
    # A bot token: base64 of the id, a time, a signature.
    (re.compile(r"[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}"), MASK),
    (
        re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:bot|bearer|basic)?\s*)[^\s'\",}]+"),
        rf"\1{MASK}",
    ),
    # Tokens of webhooks and interactions stand in the path, passwords before the host.
    (re.compile(r"(/(?:webhooks|interactions)/\d+/)[A-Za-z0-9_.~-]{16,}"), rf"\1{MASK}"),
    (re.compile(r"(://[^/\s:@]+:)[^@/\s]+(@)"), rf"\1{MASK}\2"),
    # What makes an attachment's address valid.
    (re.compile(r"([?&](?:ex|is|hm|token)=)[^&\s'\"]+"), rf"\1{MASK}"),
)
Event = MutableMapping[str, Any]


class Redactor:
    """Takes secrets out of log events: the given ones, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({s for s in secrets if len(s) >= 6}, key=len, reverse=True)

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        """Clean every value of an event."""
        for name, value in event.items():
            event[name] = self.clean(value)
        return event

    def clean(self, value: Any) -> Any:
        """Clean strings wherever they stand in a value; other objects by their representation."""
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {self.clean(k): self.clean(v) for k, v in value.items()}
            case list() | tuple():
                return [self.clean(v) for v in value]
        text = value if isinstance(value, str) else repr(value)
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


def configure(level: str, style: str, secrets: Iterable[str]) -> None:
    """Send structlog's and the standard library's logs to standard error, as JSON lines or for a console."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        Redactor(secrets),
    ]
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Their everyday lines say nothing that ours do not; aiohttp's and SQLAlchemy's hold whole requests.
    for chatty in ("discord", "aiohttp", "sqlalchemy", "apscheduler", "asyncio", "PIL", "alembic"):
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
