"""Image: what is in a picture, of ImageNet's 1,000 kinds of things, of CIFAR-10's ten, or of one's own."""

from collections.abc import Sequence
from pathlib import Path

from plugins.image import commands as chat
from plugins.image.cifar import ImageCifar, ImageCifarCourse
from plugins.image.folders import TOOLS
from plugins.image.model import ImageModel
from plugins.image.own import ImageOwn
from plugins.image.settings import ImageSettings
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, hookimpl
from shared.tool import Tool

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="image",
        summary="Say what is in a picture",
        settings=ImageSettings,
        locale=HERE / "locale",
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (chat.classify, chat.several, chat.decided)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that stays warm, and those that are loaded when they are asked."""
    return (ImageModel, ImageCifar, ImageCifarCourse, ImageOwn)


@hookimpl
def tools() -> Sequence[Tool]:
    """Return what the command line offers."""
    return TOOLS
