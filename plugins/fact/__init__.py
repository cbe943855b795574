"""Fact: how a text reads, like unreliable posts or like reliable reporting; never a verdict on what is true."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Delete, Select

from plugins.fact import commands as chat
from plugins.fact.model import FactModel
from plugins.fact.settings import FactSettings
from plugins.fact.tables import feedback
from shared.command import Command
from shared.feedback import KEPT, export_feedback, forget_feedback
from shared.learning import Feedback
from shared.model import AnyModel
from shared.plugin import Card, hookimpl

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="fact",
        summary="Tell how a news text reads, and what to check in it",
        settings=FactSettings,
        keeps=(KEPT,),
        migrations=HERE / "migrations",
        locale=HERE / "locale",
        feedback=Feedback(
            model=FactModel, table=feedback, labels=("real", "fake"), starter=HERE / "starter.csv"
        ),
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (chat.check, chat.mark)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that stays warm."""
    return (FactModel,)


@hookimpl
def export_user(user: int) -> Mapping[str, Select[Any]]:
    """Return how to read a person's feedback."""
    return export_feedback(feedback, user)


@hookimpl
def forget_user(user: int) -> Sequence[Delete]:
    """Return how to remove a person's feedback."""
    return forget_feedback(feedback, user)
