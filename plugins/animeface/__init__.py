"""Anime face: faces that a network draws from seeds, morphs between them, and faces cut out of pictures."""

from collections.abc import Sequence
from pathlib import Path

from plugins.animeface import commands as chat
from plugins.animeface import commands_crop as cropping
from plugins.animeface.crawler import JOBS
from plugins.animeface.crawler_settings import CrawlerSettings
from plugins.animeface.crop import AnimeCrop
from plugins.animeface.crop_folder import TOOLS
from plugins.animeface.dcgan import AnimefaceDcgan
from plugins.animeface.model import AnimeFace
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, Job, hookimpl
from shared.tool import Tool

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(
        name="animeface",
        summary="Draw anime faces that nobody drew, and find faces in pictures",
        settings=CrawlerSettings,
        locale=HERE / "locale",
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (chat.generate, chat.more, chat.morph, cropping.crop)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the generator, the cascade that finds faces, and the course's network, which must be trained first."""
    return (AnimeFace, AnimeCrop, AnimefaceDcgan)


@hookimpl
def tools() -> Sequence[Tool]:
    """Return what the command line offers."""
    return TOOLS


@hookimpl
def jobs() -> Sequence[Job]:
    """Return the crawler, which does nothing until settings name what it may ask."""
    return JOBS
