"""What is kept of people, kind by kind: the core's own list, and what each plugin states on its card."""

from dataclasses import dataclass
from typing import Final

from shared.plugin import Kept
from shared.plugins import Plugin, Plugins
from shared.tables import audit, button, job, news, pending, quota
from shared.texts import CORE, Text

OTHERS: Final = Text("you and whoever runs the bot")


@dataclass(frozen=True)
class Kind:
    """One kind of personal data. `domain` is the catalogue of its words; `rows` names what an export has of it.

    `stays` says why it is there after everything was removed, if it is.
    """

    domain: str
    what: Text
    lasts: Text
    why: Text
    rows: tuple[str, ...]
    seen_by: Text = OTHERS
    stays: Text | None = None


CORE_KINDS: Final = (
    Kind(
        CORE,
        what=Text("requests of yours that are being answered: which command, and where"),
        lasts=Text("until they are answered; a day at most"),
        why=Text("so that nobody waits in vain where the bot is restarted meanwhile"),
        rows=(f"core/{pending.name}",),
    ),
    Kind(
        CORE,
        what=Text("what the buttons under your answers do, with the texts or pictures that they are about"),
        lasts=Text("a day at most"),
        why=Text("so that the buttons work: Discord hands back only a number"),
        rows=(f"core/{button.name}",),
    ),
    Kind(
        CORE,
        what=Text("how much you have asked lately, as a number"),
        lasts=Text("a day after you last asked"),
        why=Text("so that nobody takes the whole bot"),
        rows=(f"core/{quota.name}",),
        stays=Text("until it has had its time: forgetting must be no way round it"),
    ),
    Kind(
        CORE,
        what=Text("that you had a job run on a schedule in a server"),
        lasts=Text("until the job is removed there"),
        why=Text("so that whoever runs the bot knows whose it is"),
        rows=(f"core/{job.name}",),
    ),
    Kind(
        CORE,
        what=Text("that you had a channel hear of trainings"),
        lasts=Text("until the channel hears no more of them"),
        why=Text("so that whoever runs the bot knows whose it is"),
        rows=(f"core/{news.name}",),
    ),
    Kind(
        CORE,
        what=Text("what you decided as an administrator"),
        lasts=Text("as long as the bot is run"),
        why=Text("so that a server can see who decided what in it"),
        rows=(f"core/{audit.name}",),
        seen_by=Text("those who may manage that server, and whoever runs the bot"),
        stays=Text("a log that those could empty whom it is about would be of no use"),
    ),
)
"""What the core keeps. A job, and news, stay the server's when a person is forgotten, without that person's id."""


def kinds(plugins: Plugins) -> list[Kind]:
    """Return all kinds of personal data that are kept, the core's first."""
    return [*CORE_KINDS, *(_of(plugin, kept) for plugin in plugins for kept in plugin.card.keeps)]


def _of(plugin: Plugin, kept: Kept) -> Kind:
    names = kept.rows or tuple(plugin.export_user(0))
    lasts = (
        Text("until you have it forgotten")
        if kept.days is None
        else Text("one day at most", plural="{count} days at most", count=kept.days)
    )
    return Kind(
        plugin.name,
        what=Text(kept.what),
        lasts=lasts,
        why=kept.why or Text("so that /{plugin} works", {"plugin": plugin.name}),
        rows=tuple(f"{plugin.name}/{name}" for name in names),
        seen_by=kept.seen_by or OTHERS,
    )
