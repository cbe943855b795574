"""/jobs through the sandbox: administrators add, see, pause, run and remove what runs on a schedule."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.sandbox.world import GUILD_ID
from shared.schedule import Schedule
from shared.settings import Quota, Settings
from shared.tables import audit
from tests.kit.answer import Refused
from tests.kit.house import House, house
from tests.kit.person import Person
from tests.kit.privacy import forget

FOLDER = Path(__file__).parents[1] / "fixtures" / "jobs"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=tmp_path_factory.mktemp("data"),
        http_port=None,
        plugin_folders=(FOLDER,),
        person_quota=Quota(burst=10_000, per_minute=10_000),
        server_quota=Quota(burst=10_000, per_minute=10_000),
    )
    async with house(settings) as home:
        yield home


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def number_of(admin: Person, **options: str) -> int:
    answer = await admin.slash("jobs add", options)
    return int(answer.text.split("number ")[1].split(":")[0])


async def history(admin: Person, number: int, wanted: str) -> str:
    async with asyncio.timeout(20):
        while wanted not in (text := (await admin.slash("jobs history", number=number)).text):
            await asyncio.sleep(0.2)
    return text


async def test_a_reminder_is_added_run_and_removed(home: House) -> None:
    admin = await home.person("admin")
    number = await number_of(
        admin, job="core/say", schedule="weekdays 9:00", text="Stand-up! @everyone", channel="models"
    )
    listed = await admin.slash("jobs list")
    assert f"{number} · core/say" in listed.text
    assert "> Stand" in listed.text
    assert "weekdays at 9:00" in listed.text
    await admin.slash("jobs run", number=number)
    said = await admin.sees(lambda m: m.content == "Stand-up! @everyone")
    assert said.channel_id == admin.channel_id("models")
    assert not said.raw["mention_everyone"]
    assert "🟢" in await history(admin, number, "done")
    assert "removed" in (await admin.slash("jobs remove", number=number)).text
    assert "no job" in (await admin.slash("jobs history", number=number)).text


async def test_a_job_is_heard_that_comes_after_one_that_was_removed(home: House) -> None:
    admin = await home.person("admin")
    for words in ("first", "second", "third"):
        number = await number_of(admin, job="core/say", schedule="0:00", text=f"the {words} of three")
        await admin.slash("jobs run", number=number)
        await admin.sees(lambda m, words=words: m.content == f"the {words} of three")  # type: ignore[misc]
        await history(admin, number, "done")
        await admin.slash("jobs remove", number=number)


async def test_a_job_that_was_removed_while_it_ran_posts_no_more_and_swallows_no_later_post(
    home: House, tmp_path: Path
) -> None:
    admin = await home.person("admin")
    flag = tmp_path / "go"
    number = await number_of(admin, job="toil/halves", schedule="0:00", text=f"wait={flag}")
    await admin.slash("jobs run", number=number)
    await admin.sees(lambda m: m.content.startswith("first half"))
    await admin.slash("jobs remove", number=number)
    flag.touch()
    # Its next post would be noted under a number that SQLite gives again.
    await asyncio.sleep(0.5)
    assert not any(e.get("title") == "second half" for m in await admin.history() for e in m.embeds)
    number = await number_of(admin, job="toil/halves", schedule="0:00", text=f"wait={flag}")
    await admin.slash("jobs run", number=number)
    await admin.sees(lambda m: any(e.get("title") == "second half" for e in m.embeds))
    await history(admin, number, "done")
    await admin.slash("jobs remove", number=number)


async def test_a_paused_job_is_shown_so_and_goes_on(home: House) -> None:
    admin = await home.person("admin")
    number = await number_of(admin, job="core/say", schedule="every 2h", text="drink")
    await admin.slash("jobs pause", number=number)
    assert "resting" in (await admin.slash("jobs list")).text
    assert "Next: <t:" in (await admin.slash("jobs resume", number=number)).text
    await admin.slash("jobs remove", number=number)


async def test_what_a_job_is_given_may_be_named_and_hold_commas(home: House) -> None:
    admin = await home.person("admin")
    number = await number_of(admin, job="core/say", schedule="9:00", text="text=tea, then cake")
    (entry,) = await home.core.jobs.find(id=number)
    assert entry.arguments == {"text": "tea, then cake"}
    await admin.slash("jobs remove", number=number)


async def test_a_failed_job_tells_its_channel_once_with_an_id_and_no_reason(home: House) -> None:
    admin = await home.person("admin")
    number = await number_of(admin, job="toil/fail", schedule="0:00")
    await admin.slash("jobs run", number=number)
    told = await admin.sees(lambda m: f"(number {number}) failed" in m.content, within=30)
    assert "`" in told.content
    assert "secret" not in told.content
    shown = await history(admin, number, "failed")
    assert "attempt 2" in shown
    assert "RuntimeError" in shown
    assert "secret" not in shown
    await admin.slash("jobs run", number=number)
    while (await history(admin, number, "failed")).count("🔴") < 2:
        await asyncio.sleep(0.1)
    again = [m for m in await admin.history() if f"(number {number}) failed" in m.content]
    assert len(again) == 1
    await admin.slash("jobs remove", number=number)


async def test_what_makes_no_sense_is_refused_in_words(home: House) -> None:
    admin = await home.person("admin")
    for options, wanted in (
        ({"job": "core/say", "schedule": "whenever", "text": "x"}, "no schedule"),
        ({"job": "core/say", "schedule": "0 0 30 2 *", "text": "x"}, "never comes"),
        ({"job": "core/say", "schedule": "9:00", "text": "x", "time_zone": "Mars/Base"}, "no time zone"),
        ({"job": "core/sweep", "schedule": "9:00"}, "cannot be added"),
        ({"job": "toil/pair", "schedule": "9:00", "text": "left=1, rihgt=2"}, "left=…, right=…"),
        ({"job": "core/say", "schedule": "9:00"}, "needs to be told its text"),
    ):
        assert wanted in (await admin.slash("jobs add", options)).text, options


async def test_jobs_of_the_whole_bot_are_seen_and_not_touched(home: House) -> None:
    admin = await home.person("admin")
    (sweep,) = await home.core.jobs.find("core", "sweep")
    listed = (await admin.slash("jobs list")).text
    assert "core/sweep · whole bot" in listed
    # One a model, which tells them apart.
    learners = home.core.learners()
    assert learners
    assert all(f"core/retrain {model} · whole bot" in listed for model in learners)
    for command in ("pause", "resume", "run", "remove"):
        assert "operator" in (await admin.slash(f"jobs {command}", number=sweep.id)).text
    (still,) = await home.core.jobs.find("core", "sweep")
    assert not still.paused


async def test_jobs_of_another_server_are_not_there(home: House) -> None:
    admin = await home.person("admin")
    other = await home.core.jobs.put("core", "say", (await home.core.jobs.find("core"))[0].schedule, guild=42)
    for command in ("pause", "history", "remove"):
        assert "no job" in (await admin.slash(f"jobs {command}", number=other.id)).text
    await home.core.jobs.remove(other.id)


async def test_only_administrators_may(home: House) -> None:
    member = await home.person("member-1")
    with pytest.raises(Refused):
        await member.slash("jobs list")


async def test_the_channel_that_is_chosen_is_where_it_posts(
    home: House,
) -> None:
    admin = await home.person("admin")
    answer = await admin.slash(
        "jobs add", {"job": "core/say", "schedule": "9:00", "text": "x", "channel": "models"}
    )
    assert f"<#{admin.channel_id('models')}>" in answer.text
    number = int(answer.text.split("number ")[1].split(":")[0])
    await admin.slash("jobs remove", number=number)


async def test_chinese_reads_chinese(home: House) -> None:
    admin = await home.person("admin", locale="zh-TW")
    answer = await admin.slash("jobs add", job="core/say", schedule="平日 9:00", text="站立會議")
    assert "工作" in answer.text
    number = int("".join(c for c in answer.text.split("：")[0] if c.isdigit()))
    assert "說一段文字" in (await admin.slash("jobs list")).text
    await admin.slash("jobs remove", number=number)


async def test_who_did_what_is_in_the_audit_log_and_forgetting_keeps_the_job(home: House) -> None:
    admin = await home.person("admin")
    number = await number_of(admin, job="core/say", schedule="9:00", text="x")
    async with home.core.database.begin() as connection:
        acts = (await connection.execute(select(audit.c.act, audit.c.user_id))).all()
    assert ("job added", int(admin.id)) in [tuple(act) for act in acts]
    await forget(admin)
    (entry,) = await home.core.jobs.find(id=number)
    assert entry.user_id is None
    await home.core.jobs.remove(number)


async def test_a_job_of_the_whole_bot_posts_to_no_channel_that_keeps_its_plugin_out(
    home: House, tmp_path: Path
) -> None:
    admin = await home.person("admin")
    channel, models = int(admin.channel_id("general")), int(admin.channel_id("models"))
    flag = tmp_path / "go"
    flag.touch()
    job = await home.core.jobs.put(
        "toil", "halves", Schedule.read("0:00"), channel=channel, arguments={"wait": str(flag)}
    )

    async def note_of_a_run() -> str:
        run = await home.core.jobs.run_now(job.id)
        assert run is not None
        async with asyncio.timeout(20):
            while (now := await home.core.jobs.run(run.id)) is None or now.state in ("waiting", "running"):
                await asyncio.sleep(0.1)
        return f"{now.state}: {now.note}"

    await admin.slash("hearth channel", {"plugin": "toil", "channel": "models"})
    assert "failed: In this server toil may not post" in await note_of_a_run()
    await home.core.rules.change("toil", int(GUILD_ID), None, channels=())
    await admin.slash("hearth switch", plugin="toil", on=False)
    assert "failed: In this server toil may not post" in await note_of_a_run()
    await admin.slash("hearth switch", plugin="toil", on=True)
    assert "done" in await note_of_a_run()
    await home.core.jobs.remove(job.id)
    # A thread of a channel that is allowed counts as that channel.
    access, guild, thread = home.core.access, int(GUILD_ID), 99
    await home.core.rules.change("toil", guild, None, channels=(models,))
    await home.core.rules.change_server(guild, None, post_channels=(models,))
    assert access.forbids_job("toil", guild, thread, opt_in=False) is not None
    assert access.forbids_job("toil", guild, thread, models, opt_in=False) is None
    assert access.may_post(guild, thread, models)
    assert not access.may_post(guild, thread, channel)
    await home.core.rules.change("toil", guild, None, channels=())
    await home.core.rules.change_server(guild, None, post_channels=())


async def test_a_failure_is_told_in_the_language_of_the_server(home: House) -> None:
    admin = await home.person("admin")
    await home.core.rules.change_server(int(GUILD_ID), None, locale="zh-TW")
    number = int(
        "".join(
            c
            for c in (await admin.slash("jobs add", job="toil/fail", schedule="0:00")).text.split("：")[0]
            if c.isdigit()
        )
    )
    await home.core.jobs.run_now(number)
    await admin.sees(lambda m: f"{number}" in m.content and "失敗" in m.content, within=30)
    await home.core.jobs.remove(number)
    await home.core.rules.change_server(int(GUILD_ID), None, locale=None)


async def test_a_plugin_of_jobs_alone_has_no_command_to_be_checked(home: House) -> None:
    admin = await home.person("admin")
    checked = await admin.slash("hearth check", {"plugin": "toil", "person": admin})
    assert "toil has no commands of its own" in checked.text
