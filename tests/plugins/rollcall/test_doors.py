"""A roll call through Discord's own doors: uploads, private answers, buttons of others, and a file to download."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import select

from shared.settings import Settings
from shared.tables import button
from tests.kit.house import House, house
from tests.kit.person import File
from tests.kit.privacy import forget
from tests.plugins.rollcall.classroom import pair, portrait

PUPIL = "Member 1"
"""The sandbox's display name of `member-1`."""
SLOW = 60.0
"""Seconds that the model may take to load on a busy machine."""


@pytest_asyncio.fixture
async def home(hearth_settings: Settings) -> AsyncIterator[House]:
    async with house(hearth_settings) as running:
        yield running


async def waiting(home: House) -> int:
    async with home.core.database.begin() as connection:
        rows = (await connection.execute(select(button.c.id).where(button.c.command == "agree"))).all()
    return len(rows)


async def test_a_class_calls_its_roll_in_chat(home: House) -> None:
    teacher, pupil = await home.person("admin"), await home.person("member-1", locale="zh-TW")
    photo = File("me.jpg", portrait().data)
    off = await pupil.slash("rollcall enrol", photos=photo)
    assert off.ephemeral
    assert "rollcall" in off.text
    await teacher.slash("plugins enable", plugin="rollcall")

    asked = await pupil.slash("rollcall enrol", photos=photo, within=SLOW)
    assert asked.ephemeral
    assert "還沒有保存任何資料" in asked.text
    assert await waiting(home) == 1
    agreed = await pupil.press(asked, "我同意")
    assert agreed.ephemeral
    assert "已在此伺服器註冊" in agreed.text
    assert await waiting(home) == 0

    opened = await teacher.slash("rollcall start", title="Algebra")
    assert not opened.ephemeral
    assert "Algebra" in opened.text
    joined = await teacher.slash("rollcall here", photo=File("class.jpg", pair().data), within=SLOW)
    assert "One person checked in" in joined.text
    assert f"**{PUPIL}**" in joined.text
    assert joined.message.embeds[0]["image"]["url"]

    shown = await pupil.press(opened, "Who is in?")
    assert f"1. **{PUPIL}**" in shown.text
    refused = await pupil.press(shown, "結束點名")
    assert refused.ephemeral
    taken = await teacher.press(shown, "下載 CSV")
    assert taken.ephemeral
    (attached,) = [each for each in taken.message.attachments if each["filename"].endswith(".csv")]
    lines = (await teacher.download(attached)).decode("utf-8-sig").splitlines()
    assert lines[0] == "Name,Date,Time,Late,Posted by"
    assert lines[1].startswith(PUPIL)

    kept = await pupil.slash("privacy export")
    assert kept.ephemeral
    await forget(pupil)
    assert "還沒有註冊" in (await pupil.slash("rollcall mine")).text


async def test_what_concerns_one_person_is_answered_to_that_person_alone(home: House) -> None:
    await (await home.person("admin")).slash("plugins enable", plugin="rollcall")
    person = await home.person()
    for command in ("rollcall mine", "rollcall leave"):
        answer = await person.slash(command)
        assert answer.ephemeral
        assert "not enrolled" in answer.text
