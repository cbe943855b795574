"""Turns an error into what the asker reads; the one place where that is done. Faults get an id and a log line."""

import secrets
from dataclasses import dataclass

import structlog

from shared.errors import Fault, Refusal
from shared.redaction import Redactor
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
        return Explained(_said(error.text, texts, locale, domain), None)
    error_id = secrets.token_hex(4)
    log.error("fault", error_id=error_id, error=repr(error)[:500], exc_info=error, **where)
    text = error.text if isinstance(error, Fault) else Text("Something went wrong on our side.")
    tail = Text(
        "Please try again. If it stays so, tell an administrator this id: {id}", {"id": f"`{error_id}`"}
    )
    return Explained(f"{_said(text, texts, locale, domain)} {texts.render(tail, locale)}", error_id)


def harmless(text: Text) -> Text:
    """Escape what came from outside, such as the name of a file, in an error's text, and take secrets out of it."""
    return _harmless(text, Redactor.here())


def _harmless(text: Text, redactor: Redactor) -> Text:
    values: dict[str, object] = {}
    for name, value in text.values.items():
        match value:
            case str():
                # Before it is escaped: a backslash within would hide it.
                values[name] = escape(redactor.text(value))
            case Text():
                values[name] = _harmless(value, redactor)
            case _:
                values[name] = value
    return Text(text.msgid, values, text.plural, text.count)


def _said(text: Text, texts: Texts, locale: str, domain: str) -> str:
    """Say an error; also in its own words there may be a secret, where a plugin put one together with an f-string."""
    redactor = Redactor.here()
    return redactor.text(texts.render(_harmless(text, redactor), locale, domain))
