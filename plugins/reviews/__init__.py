"""Reviews: sorted into topics that nobody named beforehand, followed over time, and of places that are followed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Delete, Select, delete, select

from plugins.reviews import cache_age, tables
from plugins.reviews import commands as chat
from plugins.reviews import commands_places as followed
from plugins.reviews import commands_trend as over_time
from plugins.reviews.jobs import JOBS
from plugins.reviews.kept import CACHE, HOURS, remove_tables, tables_of
from plugins.reviews.model import Reviews
from plugins.reviews.places_server import TOOLS
from plugins.reviews.settings import ReviewsSettings
from shared.cells import as_sheet
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, Job, Kept, Rows, hookimpl
from shared.texts import Text
from shared.tool import Tool
from shared.vault import Vault

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="reviews",
        summary="Sort reviews into topics, and follow them over time",
        settings=ReviewsSettings,
        keeps=(
            Kept(
                "the reviews of a table that you had sorted, encrypted, for the buttons below",
                HOURS // 24,
                why=Text("so that the buttons under its topics work without sorting it anew"),
                seen_by=Text("who can see the answer in chat, as long as its buttons work"),
            ),
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
    """Return how to forget them; the files go by `forget_user_files`, or by the next sweep."""
    return (delete(tables.kept).where(tables.kept.c.user_id == user),)


@hookimpl
def export_user_files(folder: Path, vault: Vault, rows: Rows) -> Mapping[str, bytes]:
    """Return a person's kept tables, as they were sent."""
    found = tables_of(folder, vault, _keys(rows))
    return {f"{key}.csv": as_sheet((table.columns, *table.rows)) for key, table in found.items()}


@hookimpl
def forget_user_files(folder: Path, rows: Rows) -> int:
    """Remove a person's kept tables; with them all vectors, which do not tell whose texts they are of."""
    keys = _keys(rows)
    if keys:
        cache_age.clear(folder / CACHE)
    return remove_tables(folder, keys)


def _keys(rows: Rows) -> list[str]:
    return [row["id"] for row in rows.get(tables.kept.name, ())]
