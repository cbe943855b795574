"""Stock: where a price may be in the next days, how sure that is, and how such forecasts did."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Delete, Select, delete, select

from plugins.stock import commands as chat
from plugins.stock import commands_data as files
from plugins.stock import commands_posts as posts
from plugins.stock import commands_watch as alarms
from plugins.stock.alarms import ALARMS, DAYS
from plugins.stock.model import Stock
from plugins.stock.posts import POST
from plugins.stock.settings import StockSettings
from plugins.stock.tables import alarm
from plugins.stock.tools import TOOLS
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, Job, Kept, hookimpl
from shared.texts import Text
from shared.tool import Tool

HERE = Path(__file__).parent
KEPT: Final = Kept(
    "price alarms that you set, until they are told or removed",
    DAYS,
    why=Text("so that you are told"),
)


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="stock",
        summary="Say where a stock's price may go, how sure that is, and how such forecasts did",
        settings=StockSettings,
        keeps=(KEPT,),
        migrations=HERE / "migrations",
        locale=HERE / "locale",
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (
        chat.forecast, chat.record, posts.subscribe, posts.unsubscribe, alarms.watch, alarms.watches, alarms.unwatch,
        files.import_, files.export,
    )  # fmt: skip


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that stays warm."""
    return (Stock,)


@hookimpl
def jobs() -> Sequence[Job]:
    """Return the scheduled post, and what tells price alarms."""
    return (POST, ALARMS)


@hookimpl
def tools() -> Sequence[Tool]:
    """Return the local exchange of the command line."""
    return TOOLS


@hookimpl
def export_user(user: int) -> Mapping[str, Select[Any]]:
    """Return how to read a person's price alarms."""
    return {"alarms": select(alarm).where(alarm.c.user_id == user)}


@hookimpl
def forget_user(user: int) -> Sequence[Delete]:
    """Return how to remove a person's price alarms."""
    return (delete(alarm).where(alarm.c.user_id == user),)
