"""The page on privacy lists all that is kept, with the days and reasons that the code has."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.privacy_kinds import CORE_KINDS, kinds
from schedules.backup import superfluous
from shared.plugins import Plugins
from shared.settings import Settings
from tests.kit.personal import STAYS

PAGE = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text(encoding="utf-8")


def rows() -> dict[str, list[str]]:
    """Return the cells of each row of the page's first table, by what is kept."""
    table = PAGE.partition("## What is kept")[2].partition("\n\n| ")[2] or PAGE
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    assert table
    return {
        cells[0]: cells[1:] for line in lines if (cells := [c.strip() for c in line.strip("|").split("|")])
    }


def test_every_kind_that_is_kept_is_on_the_page_with_its_days() -> None:
    there, plugins = rows(), Plugins.discover()
    for kind in kinds(plugins):
        assert kind.what.msgid in there, "not on the page"
        assert len(there[kind.what.msgid]) == 5
    for plugin in plugins:
        for kept in plugin.card.keeps:
            assert there[kept.what][0] == str(kept.days)
    for kind in CORE_KINDS:
        by_clock = there[kind.what.msgid][0].startswith("1")
        assert by_clock == ("a day" in kind.lasts.msgid)


def test_the_page_lists_nothing_that_is_not_kept() -> None:
    table = PAGE.partition("|---|---|---|---|---|---|\n")[2].partition("\n\n")[0]
    listed = {line.strip("|").split("|")[0].strip() for line in table.splitlines()}
    assert listed == {kind.what.msgid for kind in kinds(Plugins.discover())}


def test_what_stays_is_said_with_its_reason() -> None:
    said = " ".join(PAGE.partition("What stays after")[2].partition("##")[0].split())
    assert all(reason.partition(";")[0] in said for reason in STAYS.values())


def test_the_oldest_backup_is_as_old_as_the_page_says() -> None:
    settings, kept, oldest = Settings(_env_file=None), [], timedelta()
    at = datetime(2026, 1, 1, 3, 30, tzinfo=UTC)
    for _ in range(120):
        kept.append(f"hearth-{at:%Y%m%dT%H%M%S}Z.zip")
        kept = sorted(set(kept) - set(superfluous(kept, settings.backup_days, settings.backup_weeks)))
        first = datetime.strptime(kept[0], "hearth-%Y%m%dT%H%M%SZ.zip").replace(tzinfo=UTC)
        # Until the next one is made nothing goes.
        oldest, at = max(oldest, at - first + timedelta(days=1)), at + timedelta(days=1)
    said = re.search(r"the oldest is (\d+) days old at most", " ".join(PAGE.split()))
    assert said is not None
    assert int(said[1]) == oldest.days
