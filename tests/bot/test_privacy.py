"""What is kept of a person is shown, handed over and removed, in both languages, through the sandbox."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert, select

from bot.states import note
from plugins.rollcall.tables import face, person
from plugins.spam.tables import feedback
from shared.database import now_ms
from shared.settings import Quota, Settings
from shared.tables import audit, button, pending, quota
from tests.kit.house import House, house
from tests.kit.privacy import exported, forget, rows_in

FOLDER = Path(__file__).parents[1] / "fixtures" / "folder"
SPAM = "WINNER!! <script>alert(1)</script> Call 09061701461 now & claim"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    few = frozenset({"image", "digits", "animeface", "article"})
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("data"),
        http_port=None,
        plugin_folders=(FOLDER,),
        disabled_plugins=few,
        person_quota=Quota(burst=1000, per_minute=1000),
    )
    async with house(settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def home(whole: House) -> AsyncIterator[House]:
    """Return the house, in which nothing is kept of anybody but administrative acts."""
    plugins = dict(whole.core.plugins.loaded)
    yield whole
    whole.core.plugins.loaded.update(plugins)
    async with whole.core.database.begin() as connection:
        for table in (feedback, button, quota, face, person):
            await connection.execute(delete(table))


async def test_each_kind_is_shown_with_its_rows_how_long_why_and_who_sees_it(home: House) -> None:
    member = await home.person()
    scored = await member.slash("spam score", text=SPAM)
    await member.press(scored.message, "Wrong")
    shown = await member.slash("privacy show")
    assert shown.ephemeral
    fields = {each["name"]: each["value"] for each in shown.message.embeds[0]["fields"]}
    kept = fields["texts that you marked right or wrong, with your id, to improve the model"]
    assert "One row is kept of you." in kept
    assert "The oldest is of <t:" in kept
    assert "Kept: 730 days at most." in kept
    assert "Why: so that the model learns from it" in kept
    assert "Seen by: you and whoever runs the bot." in kept
    number = fields["how much you have asked lately, as a number"]
    assert "/privacy forget leaves it" in number
    assert "nothing is kept of anybody: no talk of channels" in shown.text
    assert "price alarms that you set" in shown.text, "what would be kept is named, too"

    chinese = await (await home.person(locale="zh-TW")).slash("privacy show")
    assert "目前保存了你的 1 筆資料。最早的一筆是" in chinese.text
    assert "最多 730 天" in chinese.text
    assert "Kept:" not in chinese.text


async def test_the_archive_is_a_page_to_read_with_the_same_as_json_and_no_secrets(home: House) -> None:
    member = await home.person(locale="zh-TW")
    scored = await member.slash("spam score", text=SPAM)
    await member.press(scored.message, "錯誤")
    archive = await exported(member)
    assert archive.testzip() is None
    page = archive.read("index.html").decode()
    assert '<html lang="zh-TW">' in page
    assert "Hearth 保存了你的哪些資料" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    rows = rows_in(archive)
    assert [row["text"] for row in rows["spam/feedback"]] == [SPAM]
    assert len(rows["core/button"]) == 2
    assert [row["bucket"] for row in rows["core/quota"]] == [f"person:{member.id}"]
    other = await exported(await home.person("member-2"))
    assert SPAM not in str(rows_in(other))


async def test_nothing_goes_before_one_says_yes_and_then_all_but_acts_and_the_quota(home: House) -> None:
    admin, other = await home.person("admin"), await home.person("member-2")
    await admin.slash("plugins disable", plugin="stock")
    await admin.slash("plugins enable", plugin="stock")
    for each in (admin, other):
        scored = await each.slash("spam score", text=SPAM)
        await each.press(scored.message, "Wrong")
    asked = await admin.slash("privacy forget")
    assert asked.ephemeral
    for words in (
        "removed at once",
        "texts that you marked",
        "This stays",
        "what you decided as an administrator",
    ):
        assert words in asked.text
    assert "backups" in asked.text
    before = rows_in(await exported(admin))
    assert before["spam/feedback"]
    assert before["core/audit"]
    done = await admin.press(asked, "Remove it all")
    assert "Removed" in done.text
    after = {name: rows for name, rows in rows_in(await exported(admin)).items() if rows}
    assert after.keys() == {"core/audit", "core/quota"}
    async with home.core.database.begin() as connection:
        left = (await connection.execute(select(feedback.c.user_id))).scalars().all()
        acts = (await connection.execute(select(audit.c.act, audit.c.user_id))).all()
    assert left == [int(other.id)]
    assert ("forget", None) in [tuple(act) for act in acts], "that somebody was forgotten, but not who"


async def test_chinese_asks_and_confirms_in_chinese(home: House) -> None:
    member = await home.person(locale="zh-TW")
    asked = await member.slash("privacy forget")
    assert "要把你忘掉嗎" in asked.text
    assert asked.message.buttons == ["全部移除"]
    assert "已移除" in (await member.press(asked, "全部移除")).text


async def test_what_runs_for_a_person_is_broken_off_and_leaves_nothing(home: House) -> None:
    member, other = await home.person(), await home.person("member-2")
    mine = asyncio.create_task(member.slash("trial slow", seconds=60.0, within=60))
    theirs = asyncio.create_task(other.slash("trial slow", seconds=4.0, within=60))
    await member.sees(lambda m: "Cancel" in m.buttons)
    done = await forget(member)
    assert "One request was broken off" in done.text
    assert (await mine).message.content == "Cancelled."
    assert "done at last" in (await theirs).message.content
    async with home.core.database.begin() as connection:
        for table in (pending, button):
            left = (await connection.execute(select(table.c.user_id))).scalars().all()
            assert int(member.id) not in left


async def test_a_request_under_way_is_handed_over_without_its_token(home: House) -> None:
    member = await home.person()
    slow = asyncio.create_task(member.slash("trial slow", seconds=60.0, within=60))
    await member.sees(lambda m: "Cancel" in m.buttons)
    (asked,) = rows_in(await exported(member))["core/pending"]
    assert asked["command"] == "trial slow"
    assert "token" not in asked
    await forget(member)
    assert (await slow).message.content == "Cancelled."


async def test_a_request_that_another_bot_answers_is_broken_off_too(home: House) -> None:
    member = await home.person()
    asked = asyncio.create_task(member.slash("trial slow", seconds=60.0, within=60))
    await member.sees(lambda m: "Cancel" in m.buttons)
    # As the bot that answered `/privacy forget` does it.
    async with home.core.database.begin() as connection:
        await connection.execute(pending.delete())
    assert (await asked).message.content == "Cancelled."


async def test_what_a_plugin_keeps_that_is_switched_off_is_handed_over_and_removed(home: House) -> None:
    member = await home.person()
    who, guild = int(member.id), 7
    home.core.plugins.loaded.pop("rollcall")
    async with home.core.database.begin() as connection:
        for user in (who, 99):
            await connection.execute(
                insert(person).values(guild_id=guild, user_id=user, name="x", consented_ms=1, seen_ms=1)
            )
            await connection.execute(
                insert(face).values(guild_id=guild, user_id=user, sealed=b"\0", created_ms=1)
            )
    archive = await exported(member)
    assert "Of plugins that are not loaded now" in archive.read("index.html").decode()
    rows = rows_in(archive)
    assert [row["user_id"] for row in rows["plugins-not-loaded/rollcall_person"]] == [who]
    await forget(member)
    async with home.core.database.begin() as connection:
        for table in (person, face):
            assert (await connection.execute(select(table.c.user_id))).scalars().all() == [99]


async def test_the_count_by_a_rule_of_a_server_is_handed_over(home: House) -> None:
    member = await home.person()
    bucket = f"person:{member.id}:5:quota:spam"
    async with home.core.database.begin() as connection:
        values = {"tokens": 1.0, "updated_ms": now_ms(), "burst": 1.0, "per_ms": 1.0}
        await connection.execute(insert(quota).values(bucket=bucket, **values))
        await connection.execute(insert(quota).values(bucket=f"person:{member.id}9", **values))
        await note(connection, home.core.database, "plugin on", 5, int(member.id), plugin="spam")
    rows = rows_in(await exported(member))
    assert {row["bucket"] for row in rows["core/quota"]} == {f"person:{member.id}", bucket}
    assert json.loads(rows["core/audit"][-1]["details"]) == {"plugin": "spam"}


@pytest.mark.parametrize("locale", ["en-US", "zh-TW"])
async def test_one_of_whom_nothing_is_kept_is_told_so(home: House, locale: str) -> None:
    member = await home.person(locale=locale)
    asked = await member.slash("privacy forget")
    said = {"en-US": "Hardly anything is kept of you.", "zh-TW": "幾乎沒有保存你的任何資料。"}
    assert said[locale] in asked.text
    assert len(asked.message.buttons) == 1
