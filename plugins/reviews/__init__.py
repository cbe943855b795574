"""Reviews: sorted into topics that nobody named beforehand, followed over time, and of places that are followed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Delete, Select, delete, select

from plugins.reviews import commands as chat
from plugins.reviews import commands_places as followed
from plugins.reviews import commands_trend as over_time
from plugins.reviews import tables
from plugins.reviews.jobs import JOBS
from plugins.reviews.kept import HOURS
from plugins.reviews.model import Reviews
from plugins.reviews.places_server import TOOLS
from plugins.reviews.settings import ReviewsSettings
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, Job, Kept, hookimpl
from shared.tool import Tool

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="reviews",
        summary="Sort reviews into topics, and follow them over time",
        settings=ReviewsSettings,
        keeps=(
            Kept("the reviews of a table that you had sorted, encrypted, for the buttons below", HOURS // 24),
        ),
        migrations=HERE / "migrations",
        locale=HERE / "locale",
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (
        chat.cluster,
        over_time.trend,
        followed.places,
        chat.recut,
        chat.pick,
        chat.show,
        over_time.overtime,
    )


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that cuts topics elsewhere."""
    return (Reviews,)


@hookimpl
def jobs() -> Sequence[Job]:
    """Return what is done by itself."""
    return JOBS


@hookimpl
def tools() -> Sequence[Tool]:
    """Return what the command line offers."""
    return TOOLS


@hookimpl
def export_user(user: int) -> Mapping[str, Select[Any]]:
    """Return how to read which tables of a person are kept."""
    return {tables.kept.name: select(tables.kept).where(tables.kept.c.user_id == user)}


@hookimpl
def forget_user(user: int) -> Sequence[Delete]:
    """Return how to forget them: without its row a file cannot be opened any more, and the next sweep removes it."""
    return (delete(tables.kept).where(tables.kept.c.user_id == user),)
