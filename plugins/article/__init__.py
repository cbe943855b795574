"""Article: a text in a few of its own sentences, each of which can be found in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Delete, Select

from plugins.article import commands as chat
from plugins.article.model import SummaryModel
from plugins.article.settings import ArticleSettings
from plugins.article.tables import feedback
from shared.command import Command
from shared.feedback import KEPT, export_feedback, forget_feedback
from shared.model import AnyModel
from shared.plugin import Card, hookimpl

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="article",
        summary="Summarise articles in their own sentences",
        settings=ArticleSettings,
        keeps=(KEPT,),
        migrations=HERE / "migrations",
        locale=HERE / "locale",
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (chat.summarise, chat.sources, chat.mark)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that stays warm."""
    return (SummaryModel,)


@hookimpl
def export_user(user: int) -> Mapping[str, Select[Any]]:
    """Return how to read a person's feedback."""
    return export_feedback(feedback, user)


@hookimpl
def forget_user(user: int) -> Sequence[Delete]:
    """Return how to remove a person's feedback."""
    return forget_feedback(feedback, user)
