"""Spam: how likely a message is spam, and which of its words say so."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Delete, Select

from plugins.spam import commands as chat
from plugins.spam.model import SpamModel
from plugins.spam.tables import feedback
from shared.command import Command
from shared.feedback import KEPT, export_feedback, forget_feedback
from shared.learning import Feedback
from shared.model import AnyModel
from shared.plugin import Card, Watch, hookimpl

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="spam",
        summary="Tell how likely a message is spam",
        settings=chat.SpamSettings,
        keeps=(KEPT,),
        migrations=HERE / "migrations",
        locale=HERE / "locale",
        feedback=Feedback(
            model=SpamModel, table=feedback, labels=("ham", "spam"), starter=HERE / "starter.csv"
        ),
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (chat.score, chat.watch, chat.mark)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that stays warm."""
    return (SpamModel,)


@hookimpl
def watches() -> Sequence[Watch]:
    """Return what looks at watched channels."""
    return (Watch(run=chat.look),)


@hookimpl
def export_user(user: int) -> Mapping[str, Select[Any]]:
    """Return how to read a person's feedback."""
    return export_feedback(feedback, user)


@hookimpl
def forget_user(user: int) -> Sequence[Delete]:
    """Return how to remove a person's feedback."""
    return forget_feedback(feedback, user)
