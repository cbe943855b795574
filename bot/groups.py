"""Slash groups: what chat offers under one name, whether from a plugin or from the core itself."""

from dataclasses import dataclass
from typing import Any

from shared.command import Command
from shared.plugins import Plugin
from shared.texts import CORE


@dataclass(frozen=True)
class Group:
    """A group of commands under `/name`; `domain` is the catalogue of its words."""

    name: str
    summary: str
    commands: tuple[Command, ...]
    domain: str = CORE
    settings: Any = None
    plugin: bool = False
    opt_in: bool = False

    @classmethod
    def of(cls, plugin: Plugin) -> "Group":
        """Make the group of a plugin."""
        card = plugin.card
        return cls(
            plugin.name,
            card.summary,
            plugin.commands,
            plugin.name,
            plugin.settings,
            plugin=True,
            opt_in=card.opt_in,
        )

    def command(self, name: str) -> Command | None:
        """Return the command `name`, hidden ones included."""
        return next((c for c in self.commands if c.name == name), None)
