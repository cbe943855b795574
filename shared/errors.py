"""The errors that reach people. Each carries what the user needs to hear; words are made in one place."""

from collections.abc import Sequence
from typing import Any

from shared.texts import Text


class HearthError(Exception):
    """Base of all errors that Hearth raises on purpose."""

    def __init__(self, msgid: str, /, **values: Any) -> None:
        super().__init__(msgid)
        self.text = Text(msgid, values)

    def __str__(self) -> str:
        return str(self.text)


class Refusal(HearthError):
    """The request cannot be served as it was asked; the text says what to do. Nobody's fault is logged."""


class BadInput(Refusal):
    """What was sent is not usable: too long, of the wrong type, empty, broken."""


class AllRefused(BadInput):
    """None of several things can be used; `errors` say why, each in a line of its own."""

    def __init__(self, errors: Sequence[Refusal]) -> None:
        self.errors: tuple[Refusal, ...] = tuple(
            part for error in errors for part in (error.errors if isinstance(error, AllRefused) else (error,))
        )
        reasons = {f"reason_{number}": error.text for number, error in enumerate(self.errors)}
        super().__init__("\n".join(f"⚠️ {{{name}}}" for name in reasons), **reasons)


def of_file(name: str, error: Refusal) -> BadInput:
    """Return why a file is refused, with the file's name."""
    return BadInput("{file}: {reason}", file=name[:80], reason=error.text)


class Denied(Refusal):
    """This person may not do that here."""


class QuotaExceeded(Refusal):
    """This person, or this server, has used its share for now."""


class Busy(Refusal):
    """The queue is full; nothing was started."""


class Fault(HearthError):
    """Our fault. The user gets the text and an error id; the log gets the rest."""


class DeadlineExceeded(Fault):
    """The answer did not come in time."""


class WorkerCrashed(Fault):
    """The worker process died while it held this request."""


class ModelFailed(Fault):
    """The model raised on this request alone."""


class ModelUnavailable(Fault):
    """The model has no weights, or they could not be loaded."""
