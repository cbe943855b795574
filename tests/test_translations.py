"""Every text for people is there in Traditional Chinese, with the same placeholders."""

import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bot.builtin import groups
from bot.core import Core
from bot.groups import Group
from bot.payload import MORE
from schedules import CORE_JOBS
from shared.plugins import Plugins
from shared.texts import CORE

REPOSITORY = Path(__file__).parents[1]
ERRORS = (
    "Refusal", "BadInput", "Denied", "QuotaExceeded", "Busy", "Fault", "DeadlineExceeded", "WorkerCrashed",
    "ModelFailed", "ModelUnavailable", "Failure", "LabourFailed", "Lost",
    "DatabaseTrouble",
)  # fmt: skip
KEYWORDS = {
    "text": None,
    "Text": None,
    "render": None,
    "plural": (1, 2),
    "Kept": None,
    "VaultError": None,
    **dict.fromkeys(ERRORS),
}
# What only the command line says is English; `text` in the migrations is SQL.
ENGLISH = {
    "bot": ("cli", "sandbox", "scaffold.py", "trainer.py"),
    "shared": (
        "store.py", "fingerprint.py", "durable.py", "promotion.py", "weights.py", "quality.py", "migrate.py",
        "backup.py", "backup_archive.py", "backup_rows.py", "restore.py", "in_use.py",
    ),
}  # fmt: skip
DOMAINS = [CORE, *sorted(p.name for p in (REPOSITORY / "plugins").iterdir() if (p / "__init__.py").is_file())]

Key = tuple[str | None, str]
"""A message's context and its msgid."""


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_text_has_a_translation(domain: str) -> None:
    known = _catalogue(domain) | (_catalogue(CORE) if domain != CORE else {})
    missing = sorted(
        {f"{context or ''} {msgid!r}" for context, msgid in _texts(domain) if not known.get((context, msgid))}
    )
    assert not missing, "\n".join(["without a translation:", *missing])


@pytest.mark.parametrize("domain", DOMAINS)
def test_translations_have_the_placeholders_of_what_they_translate(domain: str) -> None:
    wrong = []
    for (_, msgid), (english, translated) in _catalogue(domain).items():
        # One form of Chinese stands for both of English: "one row" may name its count.
        if not any(_placeholders(translated) == _placeholders(each) for each in english):
            wrong.append(msgid)
    assert not wrong


@pytest.mark.parametrize("domain", DOMAINS)
def test_catalogues_hold_nothing_that_is_not_said(domain: str) -> None:
    said = set(_texts(domain))
    assert not sorted(msgid for context, msgid in _catalogue(domain) if (context, msgid) not in said)


def _texts(domain: str) -> Iterator[Key]:
    if domain == CORE:
        for folder, skipped in ENGLISH.items():
            yield from _extracted(REPOSITORY / folder, skipped)
        yield from _extracted(REPOSITORY / "schedules")
        yield from ((None, job.summary) for job in CORE_JOBS if job.summary)
        yield "menu", MORE
        yield from _declared(list(groups(Core.__new__(Core)).values()))
        return
    yield from _extracted(REPOSITORY / "plugins" / domain)
    plugin = Plugins.discover().loaded[domain]
    yield from _declared([Group.of(plugin)])
    yield from ((None, kept.what) for kept in plugin.card.keeps)
    yield from ((None, job.summary) for job in plugin.jobs if job.summary)


def _extracted(folder: Path, skipped: tuple[str, ...] = ()) -> Iterator[Key]:
    for name, _, message, *_ in extract_from_dir(folder, [("**.py", "python")], keywords=KEYWORDS):
        if name.replace("\\", "/").split("/")[0] not in skipped:
            yield None, message if isinstance(message, str) else message[0]


def _declared(offered: list[Group]) -> Iterator[Key]:
    for group in offered:
        yield "command", group.name
        yield None, group.summary
        for command in group.commands:
            yield None, command.description
            yield from ((None, parameter.description) for parameter in command.parameters)
            if command.menu:
                yield "menu", command.menu
            if not command.hidden:
                yield "command", command.name
                for parameter in command.parameters:
                    yield "option", parameter.name
                    yield from (("choice", choice) for choice in parameter.choices if isinstance(choice, str))


def _catalogue(domain: str) -> dict[Key, tuple[tuple[str, ...], str]]:
    folder = REPOSITORY / ("shared" if domain == CORE else f"plugins/{domain}")
    with (folder / "locale" / "zh_TW" / "LC_MESSAGES" / f"{domain}.po").open("rb") as source:
        messages = [message for message in read_po(source, locale="zh_TW") if message.id]
    found = {}
    for message in messages:
        english = message.id if isinstance(message.id, tuple) else (message.id,)
        translated = message.string if isinstance(message.string, str) else message.string[0]
        if translated and not message.fuzzy:
            found[message.context, english[0]] = english, translated
    return found


def _placeholders(text: str) -> set[tuple[str, str]]:
    return {(name, spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None}
