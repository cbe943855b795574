"""Stock: where a price may be in the next days, how sure that is, and how such forecasts did."""

from collections.abc import Sequence
from pathlib import Path

from plugins.stock import commands as chat
from plugins.stock import commands_data as files
from plugins.stock.model import Stock
from plugins.stock.settings import StockSettings
from plugins.stock.tools import TOOLS
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, hookimpl
from shared.tool import Tool

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="stock",
        summary="Say where a stock's price may go, how sure that is, and how such forecasts did",
        settings=StockSettings,
        migrations=HERE / "migrations",
        locale=HERE / "locale",
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (chat.forecast, files.import_, files.export)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that stays warm."""
    return (Stock,)


@hookimpl
def tools() -> Sequence[Tool]:
    """Return the local exchange of the command line."""
    return TOOLS
