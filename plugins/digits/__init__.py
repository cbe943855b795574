"""Digits: the number in a photo or a drawing, read digit by digit."""

from collections.abc import Sequence
from pathlib import Path

from plugins.digits import commands as chat
from plugins.digits import tools as command_line
from plugins.digits.model import CnnModel, DenseModel, DigitsModel
from plugins.digits.settings import DigitsSettings
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, hookimpl
from shared.tool import Tool

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="digits",
        summary="Read the digits in a picture",
        settings=DigitsSettings,
        locale=HERE / "locale",
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (chat.read,)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that stays warm, and the course's two."""
    return (DigitsModel, DenseModel, CnnModel)


@hookimpl
def tools() -> Sequence[Tool]:
    """Return what the command line offers."""
    # By their module: a module of the package has the name of one of them, too.
    return (
        Tool("data", "mnist", command_line.mnist),
        Tool("digits", "robustness", command_line.robustness),
    )
