"""A running bot takes up a new champion without dropping anybody, and answers on where one cannot be used."""

import asyncio
import shutil
from pathlib import Path

from plugins.spam.model import SpamModel
from shared.model import Report
from shared.settings import Settings
from shared.store import Store
from tests.kit.answer import Answer
from tests.kit.house import house

REPORT = Report(n=1, metrics={}, baseline={}, baseline_name="none")


def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, http_port=None)  # type: ignore[call-arg]


def publish(store: Store, *, usable: bool) -> str:
    """Put the weights that ship, or something else, into the store as a new champion."""
    assert SpamModel.default is not None
    with store.stage("spam") as folder:
        if usable:
            shutil.copytree(SpamModel.default, folder, dirs_exist_ok=True)
        else:
            (folder / "model.json").write_text('{"format": 999}')
        version = store.publish(
            "spam", folder, report=REPORT, data=None, licence="MIT", code="test", parent=None
        ).version
    store.promote("spam", version)
    return version


def version_in(answer: Answer) -> str:
    return str(answer.message.embeds[0]["footer"]["text"])


async def test_a_new_champion_answers_within_seconds_and_nobody_is_dropped(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person = await home.person()
        assert version_in(await person.slash("spam score", text="see you at eight")) == "spam · default"
        version = publish(Store(home.core.settings.models_dir), usable=True)
        async with asyncio.timeout(15):
            while (
                version_in(await person.slash("spam score", text="see you at eight")) != f"spam · {version}"
            ):
                await asyncio.sleep(0.3)


async def test_a_champion_that_cannot_be_loaded_leaves_the_old_one_answering(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person = await home.person()
        publish(Store(home.core.settings.models_dir), usable=False)
        await asyncio.sleep(3)
        assert version_in(await person.slash("spam score", text="see you at eight")) == "spam · default"


async def test_a_bot_that_starts_with_an_unusable_champion_answers_with_what_ships(tmp_path: Path) -> None:
    publish(Store(settings(tmp_path).models_dir), usable=False)
    async with house(settings(tmp_path)) as home:
        answer = await (await home.person()).slash("spam score", text="see you at eight")
        assert version_in(answer) == "spam · default"
