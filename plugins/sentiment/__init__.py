"""Sentiment: whether a text is positive or negative, which words say so, and a whole table of reviews at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Select
from sqlalchemy.sql.dml import Delete, Update

from plugins.sentiment import commands as chat
from plugins.sentiment.bilstm import SentimentBiLSTM
from plugins.sentiment.model import SentimentModel
from plugins.sentiment.settings import SentimentSettings
from plugins.sentiment.tables import feedback
from plugins.sentiment.upload import table
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
        name="sentiment",
        summary="Tell whether texts are positive or negative",
        settings=SentimentSettings,
        keeps=(KEPT,),
        migrations=HERE / "migrations",
        locale=HERE / "locale",
        feedback=Feedback(
            model=SentimentModel,
            table=feedback,
            labels=("negative", "positive"),
            starter=HERE / "starter.csv",
        ),
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (chat.read, table, chat.mark)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that stays warm, and the course's, which is there to be trained."""
    return (SentimentModel, SentimentBiLSTM)


@hookimpl
def export_user(user: int) -> Mapping[str, Select[Any]]:
    """Return how to read a person's feedback."""
    return export_feedback(feedback, user)


@hookimpl
def forget_user(user: int) -> Sequence[Delete | Update]:
    """Return how to remove a person's feedback."""
    return forget_feedback(feedback, user)
