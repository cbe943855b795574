"""Turns an error into what the asker reads; the one place where that is done. Faults get an id and a log line."""

import secrets
from dataclasses import dataclass

import structlog

from shared.errors import Fault, Refusal
from shared.reply import Reply, escape
from shared.texts import Text, Texts

log = structlog.get_logger("hearth.errors")


@dataclass(frozen=True)
class Explained:
    """What to tell the asker, and under which id the log has the rest (None: not our fault)."""

    text: str
    error_id: str | None

    def reply(self) -> Reply:
        """Return it as an answer that only the asker sees."""
        return Reply(text=self.text, tone="bad", private=True)


def explain(error: BaseException, texts: Texts, locale: str, domain: str, **where: object) -> Explained:
    """Say what went wrong in the asker's language; log it, with an id, where it is our fault."""
    if isinstance(error, Refusal):
        return Explained(texts.render(harmless(error.text), locale, domain), None)
    error_id = secrets.token_hex(4)
    log.error("fault", error_id=error_id, error=repr(error)[:500], exc_info=error, **where)
    text = harmless(error.text) if isinstance(error, Fault) else Text("Something went wrong on our side.")
    tail = Text(
        "Please try again. If it stays so, tell an administrator this id: {id}", {"id": f"`{error_id}`"}
    )
    return Explained(f"{texts.render(text, locale, domain)} {texts.render(tail, locale)}", error_id)


def harmless(text: Text) -> Text:
    """Escape what came from outside, such as the name of a file, among the values of an error's text."""
    values: dict[str, object] = {}
    for name, value in text.values.items():
        match value:
            case str():
                values[name] = escape(value)
            case Text():
                values[name] = harmless(value)
            case _:
                values[name] = value
    return Text(text.msgid, values, text.plural, text.count)
