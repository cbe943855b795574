"""Structured logs on standard error, with secrets taken out of everything that is written, tracebacks included."""

import logging
import os
import sys
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final

import structlog

from shared.redaction import Event, Redactor, secrets_around
from shared.tracing import trace_id

# What may stand on several lines; elsewhere a line break could be a stranger's attempt at a line of ours.
_MULTILINE: Final = frozenset({"exception", "stack", "trace"})
_CONTROLS: Final = {c: f"\\x{c:02x}" for c in (*range(32), *range(127, 160)) if chr(c) not in "\n\t"}
_LINE_ENDS: Final = {ord("\n"): "\\n", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def configure(level: str, style: str, secrets: Iterable[str]) -> None:
    """Send structlog's and the standard library's logs to standard error, as JSON lines or for a console.

    Neither `secrets` nor those of the environment are in what is written.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        with_trace,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        Redactor([*secrets, *secrets_around(os.environ)]),
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


def write_uncaught() -> None:
    """Send to the log what nobody catches in a thread, or while objects end; for a process of our own alone."""
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


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


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger("hearth").critical("uncaught", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        about = (args.exc_type, args.exc_value, args.exc_traceback)
        structlog.get_logger("hearth").critical("uncaught in a thread", exc_info=about)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    if args.exc_value is not None:
        about = (args.exc_type, args.exc_value, args.exc_traceback)
        structlog.get_logger("hearth").error("could not be raised", exc_info=about)
