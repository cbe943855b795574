"""/hearth and /audit through the sandbox: one check for every way in, told by its rule, and taken back."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from bot.parse import slash_call
from bot.sandbox.world import GUILD_ID
from shared.context import Asker, Tracker
from shared.inputs import Channel, Person
from shared.settings import Quota, Settings
from shared.tables import audit
from tests.kit.answer import Refused
from tests.kit.house import House, house

PROSE = "Meet me at eight at the station, and bring the tickets."


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=tmp_path_factory.mktemp("data"),
        http_port=None,
        person_quota=Quota(burst=10_000, per_minute=10_000),
        server_quota=Quota(burst=10_000, per_minute=10_000),
    )
    async with house(settings) as home:
        yield home


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def afresh(home: House) -> AsyncIterator[None]:
    yield
    none: dict[str, Any] = {
        "roles": (),
        "channels": (),
        "burst": None,
        "per_minute": None,
        "cooldown_seconds": 0.0,
    }
    await home.core.rules.change("spam", int(GUILD_ID), None, **none)
    await home.core.rules.change_server(int(GUILD_ID), None, locale=None, post_channels=())


async def test_a_channel_rule_holds_for_commands_menus_and_buttons(home: House) -> None:
    admin, member = await home.person("admin"), await home.person("member-1")
    before = await member.slash("spam score", text=PROSE)
    said = await member.say(PROSE)
    ruled = await admin.slash("hearth channel", {"plugin": "spam", "channel": "models"})
    assert f"Where: <#{admin.channel_id('models')}>" in ruled.text
    for refused in (
        await member.slash("spam score", text=PROSE),
        await member.menu("Spam score", said),
        await member.press(before.message, "Right"),
        await admin.slash("spam score", text=PROSE),
    ):
        assert f"may be used in <#{admin.channel_id('models')}> only" in refused.text
    assert "spam" in (await member.slash("spam score", text=PROSE, channel="models")).text.lower()
    await admin.slash("hearth channel", {"plugin": "spam", "channel": "models", "allow": False})
    assert "Probability" in (await member.slash("spam score", text=PROSE)).text


async def test_a_role_rule_lets_its_people_in_and_who_manages_the_server(home: House) -> None:
    admin, member = await home.person("admin"), await home.person("member-1")
    await admin.slash("hearth role", plugin="spam", role="Administrators")
    refused = await member.slash("spam score", text=PROSE)
    assert "spam is for <@&" in refused.text
    assert "Probability" in (await admin.slash("spam score", text=PROSE)).text
    await admin.slash("hearth role", plugin="spam", role="Members")
    assert "Probability" in (await member.slash("spam score", text=PROSE)).text


async def test_why_shows_every_rule_and_the_one_that_refused(home: House) -> None:
    admin, member = await home.person("admin"), await home.person("member-1", locale="zh-TW")
    await admin.slash("hearth channel", {"plugin": "spam", "channel": "models"})
    refused = await member.slash("spam score", text=PROSE)
    why = await member.press(refused.message, "為什麼？")
    lines = why.text.splitlines()
    assert [line for line in lines if line.startswith("⛔")] == [
        f"⛔ 只能在 <#{admin.channel_id('models')}> 使用"
    ]
    assert sum(line.startswith("✅") for line in lines) >= 4
    asked = await admin.slash("hearth check", {"plugin": "spam", "person": member})
    assert "⛔ It may be used in" in asked.text
    assert (
        "Allowed"
        in (await admin.slash("hearth check", {"plugin": "spam", "person": member, "channel": "models"})).text
    )


async def test_a_quota_and_a_cool_down_count_one_person_and_one_plugin(home: House) -> None:
    admin = await home.person("admin")
    one, other = await home.person("member-1"), await home.person("member-2")
    await admin.slash("hearth quota", plugin="spam", per_minute=1, at_once=2)
    assert "Probability" in (await one.slash("spam score", text=PROSE)).text
    assert "Probability" in (await one.slash("spam score", text=PROSE)).text
    refused = await one.slash("spam score", text=PROSE)
    assert "spam may be asked 1 times a minute here" in refused.text
    assert "⛔ spam for one person: 0 of 2" in (await one.press(refused.message, "Why?")).text
    assert "Probability" in (await other.slash("spam score", text=PROSE)).text
    assert "positive" in (await one.slash("sentiment read", text="What a lovely day!")).text.lower()
    await admin.slash("hearth quota", plugin="spam", per_minute=0)
    await admin.slash("hearth cooldown", plugin="spam", seconds=600)
    assert "Probability" in (await one.slash("spam score", text=PROSE)).text
    assert "every 600 s here" in (await one.slash("spam score", text=PROSE)).text


async def test_the_server_speaks_one_language_where_that_is_set(home: House) -> None:
    admin, member = await home.person("admin"), await home.person("member-1", locale="en-US")
    await admin.slash("hearth language", language="Traditional Chinese")
    assert "垃圾訊息" in (await member.slash("spam score", text=PROSE)).text
    await admin.slash("hearth language", language="each person's own")
    assert "Probability" in (await member.slash("spam score", text=PROSE)).text


async def test_jobs_post_where_they_may_and_a_plugin_s_jobs_keep_to_its_channels(home: House) -> None:
    admin = await home.person("admin")
    await admin.slash("hearth posts", {"channel": "models"})
    added = await admin.slash(
        "jobs add", {"job": "core/say", "schedule": "weekdays 9:00", "text": "Tea?", "channel": "general"}
    )
    number = int(added.text.split("number ")[1].split(":")[0])
    await admin.slash("jobs run", number=number)
    async with asyncio.timeout(20):
        while "may not post" not in (await admin.slash("jobs history", number=number)).text:
            await asyncio.sleep(0.2)
    await admin.slash("jobs remove", number=number)
    await admin.slash("hearth channel", {"plugin": "stock", "channel": "models"})
    access, guild = home.core.access, int(GUILD_ID)
    there, elsewhere = int(admin.channel_id("models")), int(admin.channel_id("general"))
    assert access.forbids_job("stock", guild, there, opt_in=False) is None
    assert "out of this channel" in str(access.forbids_job("stock", guild, elsewhere, opt_in=False))
    await admin.slash("hearth reset", plugin="stock")


async def test_every_act_is_in_the_log_and_can_be_taken_back_once(home: House) -> None:
    admin, member = await home.person("admin"), await home.person("member-1")
    await admin.slash("hearth channel", {"plugin": "spam", "channel": "models"})
    await admin.slash("hearth switch", plugin="spam", on=False)
    assert "switched off" in (await member.slash("spam score", text=PROSE)).text
    listed = await admin.slash("audit list", about="spam")
    numbers = [int(f["name"].split(" · ")[0]) for f in listed.message.embeds[0]["fields"]]
    assert f"<@{admin.id}>" in listed.text
    assert "where: all → <#" in listed.text
    await admin.slash("audit undo", number=numbers[0])
    assert "may be used in" in (await member.slash("spam score", text=PROSE)).text
    await admin.slash("audit undo", number=numbers[1])
    assert "Probability" in (await member.slash("spam score", text=PROSE)).text
    # It was changed since, by the very undoing.
    assert "take back the later one first" in (await admin.slash("audit undo", number=numbers[1])).text
    assert "no act number" in (await admin.slash("audit undo", number=999_999)).text
    assert (await admin.slash("audit list", person=member)).text.count(" · ") == 0


async def test_the_log_comes_as_a_file_and_nobody_can_change_it(home: House) -> None:
    admin = await home.person("admin")
    await admin.slash("hearth cooldown", plugin="spam", seconds=5)
    exported = await admin.slash("audit export")
    data = await admin.download(exported.message.raw["attachments"][0])
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[-1]["act"] == "rule"
    assert "cooldown_seconds" in rows[-1]["details"]
    for change in (delete(audit), update(audit).values(act="nothing")):
        with pytest.raises(DBAPIError, match="append-only"):
            async with home.core.database.begin() as connection:
                await connection.execute(change)
    async with home.core.database.begin() as connection:
        assert len((await connection.execute(select(audit.c.id))).all()) >= len(rows)


async def test_only_who_manages_the_server_decides(home: House) -> None:
    member = await home.person("member-1")
    for command, options in (
        ("hearth show", {}),
        ("hearth switch", {"plugin": "spam", "on": False}),
        ("audit list", {}),
    ):
        with pytest.raises(Refused):
            await member.slash(command, options)


async def test_the_rules_are_shown_in_chinese(home: House) -> None:
    admin = await home.person("admin", locale="zh-TW")
    await admin.slash("hearth cooldown", plugin="spam", seconds=5)
    shown = await admin.slash("hearth show")
    assert "這個伺服器的規則" in shown.text
    assert "冷卻時間：5 秒" in shown.text
    assert "沒有名為" in (await admin.slash("hearth reset", plugin="nothing")).text


async def test_two_who_decide_at_once_lose_nothing_of_each_other(home: House) -> None:
    admin = await home.person("admin")
    await asyncio.gather(
        admin.slash("hearth role", plugin="spam", role="Administrators"),
        admin.slash("hearth role", plugin="spam", role="Members"),
    )
    assert len(home.core.rules.of("spam", int(GUILD_ID)).roles) == 2


async def test_a_switch_is_not_taken_back_where_it_was_switched_since(home: House) -> None:
    admin = await home.person("admin")
    await admin.slash("hearth switch", plugin="spam", on=False)
    listed = await admin.slash("audit list", about="spam")
    number = int(listed.message.embeds[0]["fields"][0]["name"].split(" · ")[0])
    await admin.slash("audit undo", number=number)
    assert home.core.states.is_on("spam", int(GUILD_ID))
    logged = len((await admin.slash("audit list", about="plugin o")).message.embeds[0]["fields"])
    assert "take back the later one first" in (await admin.slash("audit undo", number=number)).text
    assert len((await admin.slash("audit list", about="plugin o")).message.embeds[0]["fields"]) == logged


async def test_a_switch_that_changed_nothing_is_not_taken_back(home: House) -> None:
    admin = await home.person("admin")
    for switched in (True, False, False):
        await admin.slash("hearth switch", plugin="fact", on=switched)
    listed = await admin.slash("audit list", about="fact")
    again, off, on = (int(f["name"].split(" · ")[0]) for f in listed.message.embeds[0]["fields"][:3])
    assert "changed nothing" in (await admin.slash("audit undo", number=again)).text
    await admin.slash("audit undo", number=off)
    assert "changed nothing" in (await admin.slash("audit undo", number=on)).text
    assert home.core.states.is_on("fact", int(GUILD_ID))


async def test_a_bound_that_no_bucket_can_hold_stops_nobody(home: House) -> None:
    admin, member = await home.person("admin"), await home.person("member-1")
    await admin.slash("hearth cooldown", plugin="spam", seconds=0.0001)
    assert "Probability" in (await member.slash("spam score", text=PROSE)).text
    # It would be full again after a day without a request, long before its time.
    refused = await admin.slash("hearth quota", plugin="spam", per_minute=0.01, at_once=1000)
    assert "take more than a day" in refused.text
    assert home.core.rules.of("spam", int(GUILD_ID)).per_minute is None


async def test_a_thread_is_checked_as_the_channel_that_it_belongs_to(home: House) -> None:
    models, guild, thread = int((await home.person("admin")).channel_id("models")), int(GUILD_ID), 99
    await home.core.rules.change("spam", guild, None, channels=(models,))
    group, check = home.core.find("hearth", "check")
    here = Asker(1, "somebody", "en-US", guild, thread, 1 << 5, models)
    raw: dict[str, Any] = {"plugin": "spam", "person": Person(2, "another")}
    reply = await home.core.run(group, check, raw, here, Tracker())
    assert reply.title == "Allowed, as it is now"
    named = {**raw, "channel": slash_call(_typed(thread, models)).raw["channel"]}
    reply = await home.core.run(group, check, named, Asker(1, "somebody", "en-US", guild, 1), Tracker())
    assert reply.title == "Allowed, as it is now"
    elsewhere = {**raw, "channel": Channel(thread, "general")}
    reply = await home.core.run(group, check, elsewhere, here, Tracker())
    assert reply.title == "Not allowed, as it is now"


async def test_who_has_asked_too_much_may_still_ask_why(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    member = await home.person("member-2")
    once = {"person_quota": Quota(burst=1, per_minute=0.01)}
    monkeypatch.setattr(home.core, "settings", home.core.settings.model_copy(update=once))
    await member.slash("spam score", text=PROSE)
    refused = await member.slash("spam score", text=PROSE)
    assert "asked a lot" in refused.text
    for _ in range(2):
        assert "⛔ One person: 0 of 1" in (await member.press(refused.message, "Why?")).text


async def test_a_role_counts_before_discord_has_told_of_the_server_s_roles(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, member = await home.person("admin"), await home.person("member-1")
    await admin.slash("hearth role", plugin="spam", role="Members")
    server = home.bot.client.get_guild(int(GUILD_ID))
    assert server is not None
    # As it is while a server is away, and until a bot that starts has heard of it.
    monkeypatch.setattr(server, "_roles", {})
    assert "Probability" in (await member.slash("spam score", text=PROSE)).text


def _typed(thread: int, parent: int) -> dict[str, object]:
    """Return what Discord sends of a command with a thread for its channel."""
    chosen = {"id": thread, "name": "talk", "type": 11, "parent_id": str(parent), "permissions": 1 << 11}
    option = {"type": 7, "name": "channel", "value": str(thread)}
    return {
        "name": "hearth",
        "options": [{"name": "check", "options": [option]}],
        "resolved": {"channels": {str(thread): chosen}},
    }
