"""What is due is run: over months of a clock that the test turns, by each misfire rule, with retries and leases."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, event

from schedules.ledger import Claim, Ledger
from schedules.runner import Runner
from shared.errors import BadInput
from shared.jobs import Misfire, milliseconds, moment
from shared.plugin import Job
from shared.schedule import Schedule
from tests.kit.turned import Turned, nothing

TAIPEI = ZoneInfo("Asia/Taipei")


async def test_a_year_of_weekdays_in_taipei_runs_each_weekday_once_on_time(bot: Turned) -> None:
    await bot.add("weekdays 14:45", "Asia/Taipei")
    await bot.until(datetime(2027, 1, 1, tzinfo=UTC), bot.runner())
    local = [due.astimezone(TAIPEI) for due, _ in bot.log]
    assert len(local) == len({at.date() for at in local}) == 261
    assert {(at.hour, at.minute) for at in local} == {(14, 45)}
    assert all(at.weekday() < 5 for at in local)
    assert all(due == ran for due, ran in bot.log)


@pytest.mark.parametrize("month", [3, 11])
async def test_each_day_runs_once_where_clocks_are_moved(bot: Turned, month: int) -> None:
    bot.at = datetime(2026, month, 1, tzinfo=UTC) - timedelta(days=1)
    await bot.add("2:30", "America/New_York")
    await bot.until(bot.at + timedelta(days=30), bot.runner())
    days = [due.astimezone(ZoneInfo("America/New_York")).date() for due, _ in bot.log]
    assert days == sorted(set(days))
    assert len(days) == 30


async def test_the_last_day_of_each_month_is_found(bot: Turned) -> None:
    await bot.add("0 9 last * *", "Asia/Taipei")
    await bot.until(datetime(2026, 12, 31, 12, tzinfo=UTC), bot.runner())
    assert [due.astimezone(TAIPEI).day for due, _ in bot.log] == [
        31,
        28,
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ]


async def test_after_a_week_without_a_bot_each_rule_does_what_it_says(bot: Turned) -> None:
    rules: tuple[Misfire, ...] = ("skip", "once", "all")
    for misfire in rules:
        await bot.jobs.put("stock", "post", Schedule.read("14:45"), key=misfire, misfire=misfire)
    bot.at += timedelta(days=7)
    await bot.until(bot.at, bot.runner())
    ran = {}
    for entry in await bot.jobs.find():
        ran[entry.key] = [
            (run.state, moment(run.due_ms).day) for run in reversed(await bot.jobs.history(entry.id))
        ]
    assert ran == {
        "skip": [("skipped", 7)],
        "once": [("done", 7)],
        "all": [("done", day) for day in range(1, 8)],
    }


async def test_missed_runs_of_every_minute_are_all_made_up_in_turn(bot: Turned) -> None:
    entry = await bot.add("every 1m", misfire="all")
    bot.at += timedelta(hours=4)
    runner = bot.runner()
    await bot.settle(runner)
    assert [due for due, _ in bot.log] == [entry.anchor + timedelta(minutes=n) for n in range(1, 241)]


async def test_a_failing_run_is_tried_again_with_back_off_then_told_once_until_it_works(bot: Turned) -> None:
    bot.job = Job(name="post", run=nothing, retries=2, backoff=timedelta(minutes=1))
    entry = await bot.add("0:00")
    bot.raises = [RuntimeError("no")] * 6
    await bot.until(datetime(2026, 1, 3, 12, tzinfo=UTC), bot.runner())
    assert [(ran - due).seconds // 60 for due, ran in bot.log] == [0, 1, 3, 0, 1, 3]
    assert len(bot.told) == 1
    first = (await bot.jobs.history(entry.id))[0]
    assert (first.state, first.attempt, first.error_id) == ("failed", 3, "ab12")
    assert "RuntimeError: no" in first.note
    # It works once, then fails again: that is news.
    await bot.until(datetime(2026, 1, 4, 12, tzinfo=UTC), bot.runner())
    bot.raises = [RuntimeError("no")] * 3
    await bot.until(datetime(2026, 1, 5, 12, tzinfo=UTC), bot.runner())
    assert len(bot.told) == 2


async def test_a_refusal_is_not_tried_again(bot: Turned) -> None:
    await bot.add("0:00")
    bot.raises = [BadInput("There is no such stock.")]
    await bot.until(datetime(2026, 1, 2, 12, tzinfo=UTC), bot.runner())
    assert len(bot.log) == 1
    assert bot.told == ["There is no such stock. ab12"]


async def test_what_takes_too_long_is_stopped(bot: Turned) -> None:
    async def sleep(_claim: Claim, _job: Job) -> None:
        await asyncio.sleep(30)

    bot.job = Job(name="post", run=nothing, retries=0, timeout=timedelta(milliseconds=50))
    await bot.add("0:00")
    bot.at += timedelta(days=1)
    runner = bot.runner()
    runner.work = sleep
    await bot.until(bot.at, runner)
    assert "took longer" in bot.told[0]


async def test_what_a_killed_bot_held_is_tried_again_when_its_lease_has_run_out(bot: Turned) -> None:
    entry = await bot.add("0:00")
    bot.at += timedelta(days=1)
    dead = Ledger(bot.database, instance="dead", life="a", now=bot.now)
    await dead.advance()
    assert len(await dead.take(1, {("stock", "post")})) == 1
    other = bot.runner("other")
    await other.turn()
    await other.idle()
    assert bot.log == []
    bot.at += timedelta(seconds=31)
    await bot.until(bot.at + timedelta(minutes=2), other)
    assert len(bot.log) == 1
    (run,) = await bot.jobs.history(entry.id)
    assert (run.state, run.attempt) == ("done", 2)


async def test_a_bot_that_starts_again_takes_up_its_own_at_once(bot: Turned) -> None:
    await bot.add("0:00")
    bot.at += timedelta(days=1)
    dead = Ledger(bot.database, instance="one", life="earlier", now=bot.now)
    await dead.advance()
    await dead.take(1, {("stock", "post")})
    runner = bot.runner("one")
    await runner.start()
    bot.at += timedelta(minutes=1)
    await runner.turn()
    await runner.idle()
    assert len(bot.log) == 1


async def test_a_paused_job_rests_and_makes_up_nothing(bot: Turned) -> None:
    entry = await bot.add("14:45")
    await bot.jobs.pause(entry.id, True)
    await bot.until(datetime(2026, 1, 10, tzinfo=UTC), bot.runner())
    assert bot.log == []
    await bot.jobs.pause(entry.id, False)
    await bot.until(datetime(2026, 1, 11, tzinfo=UTC), bot.runner())
    assert [due.day for due, _ in bot.log] == [10]


async def test_a_job_asked_for_by_hand_runs_though_paused_and_keeps_its_schedule(bot: Turned) -> None:
    entry = await bot.add("14:45")
    await bot.jobs.pause(entry.id, True)
    await bot.jobs.run_now(entry.id)
    await bot.until(bot.at, bot.runner())
    assert bot.log == [(bot.at, bot.at)]


async def test_a_job_of_a_plugin_that_is_not_here_waits_for_it(bot: Turned) -> None:
    await bot.jobs.put("other", "job", Schedule.read("0:00"))
    await bot.until(datetime(2026, 1, 2, tzinfo=UTC), bot.runner())
    (entry,) = await bot.jobs.find("other")
    assert [run.state for run in await bot.jobs.history(entry.id)] == ["waiting"]


async def test_only_jobs_of_the_bots_own_servers_are_taken(bot: Turned) -> None:
    for guild in (0, 7, 8):
        await bot.jobs.put("stock", "post", Schedule.read("0:00"), guild=guild)
    bot.at += timedelta(days=1)
    ledger = Ledger(bot.database, instance="one", life="a", guilds=lambda: {7}, now=bot.now)
    await ledger.advance()
    taken = await ledger.take(9, {("stock", "post")})
    assert sorted(claim.entry.guild_id for claim in taken) == [0, 7]


async def idle(_claim: Claim, _job: Job) -> None:
    """Do nothing."""


@dataclass
class Busy:
    """A bot whose runs go on until they are let go; `under_way` names their jobs in the order of their beginning."""

    runner: Runner
    under_way: list[str] = field(default_factory=list)
    go: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    @classmethod
    def of(cls, bot: Turned) -> "Busy":
        """Return one that knows a job of ten minutes, "post", and one of eleven, "train"."""
        known = {
            ("stock", name): Job(name=name, run=nothing, timeout=timedelta(minutes=minutes))
            for name, minutes in (("post", 10), ("train", 11))
        }
        busy = cls(Runner(Ledger(bot.database, instance="one", life="a", now=bot.now), lambda: known, idle))
        busy.runner.work = busy.work
        return busy

    async def work(self, claim: Claim, _job: Job) -> None:
        """Go on until let go."""
        self.under_way.append(claim.entry.key)
        await self.go[claim.entry.key].wait()

    async def turn(self) -> list[str]:
        """Have the runner take what it may, and return what has begun up to now."""
        await self.runner.turn()
        await asyncio.sleep(0)
        return self.under_way

    async def end(self, key: str) -> None:
        """Let a run end, and wait until it is written down."""
        self.go[key].set()
        self.runner.free.clear()
        await self.runner.free.wait()


async def due(bot: Turned, name: str, *keys: str) -> None:
    """Have jobs be due, a second after the last."""
    for key in keys:
        entry = await bot.jobs.put("stock", name, Schedule.read("0:00"), key=key)
        await bot.jobs.run_now(entry.id)
        bot.at += timedelta(seconds=1)


async def test_long_jobs_leave_one_slot_to_short_ones(bot: Turned) -> None:
    busy = Busy.of(bot)
    await due(bot, "train", "t1", "t2", "t3", "t4", "t5")
    assert await busy.turn() == ["t1", "t2", "t3"]
    await due(bot, "post", "p1", "p2")
    assert await busy.turn() == ["t1", "t2", "t3", "p1"]
    await busy.end("p1")
    assert await busy.turn() == ["t1", "t2", "t3", "p1", "p2"]
    # A long one's slot is anybody's, and those that waited longest come first.
    await due(bot, "post", "p3")
    await busy.end("t2")
    assert (await busy.turn())[5:] == ["t4"]
    await busy.end("p2")
    assert (await busy.turn())[6:] == ["p3"]
    await busy.runner.stop(0)


async def test_short_jobs_may_have_all_slots(bot: Turned) -> None:
    busy = Busy.of(bot)
    await due(bot, "post", "p1", "p2", "p3", "p4", "p5")
    await due(bot, "train", "t1")
    assert await busy.turn() == ["p1", "p2", "p3", "p4"]
    await busy.end("p3")
    assert (await busy.turn())[4:] == ["p5"]
    await busy.end("p1")
    assert (await busy.turn())[5:] == ["t1"]
    await busy.runner.stop(0)


async def test_a_bot_with_one_slot_runs_long_jobs_too(bot: Turned) -> None:
    busy = Busy.of(bot)
    busy.runner.slots = 1
    await due(bot, "train", "t1", "t2")
    assert await busy.turn() == ["t1"]
    await busy.end("t1")
    assert await busy.turn() == ["t1", "t2"]
    await busy.runner.stop(0)


async def test_a_turn_with_nothing_due_is_one_read_that_says_what_is_due_next(bot: Turned) -> None:
    await bot.add("0:00", key="later")
    await bot.add("0:00", key="earlier")
    entry = await bot.add("0:00", key="paused")
    await bot.jobs.pause(entry.id, True)
    runner, statements = bot.runner(), []

    def heard(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement.split()[0])

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        due = await runner.turn()
    finally:
        event.remove(Engine, "before_cursor_execute", heard)
    assert statements == ["BEGIN", "SELECT"]
    assert due is not None
    assert moment(due) == bot.at + timedelta(days=1)
    bot.at += timedelta(days=1)
    # Both are run, and the next time is a day later.
    assert await runner.turn() == milliseconds(bot.at + timedelta(days=1))
    await runner.idle()
    assert len(bot.log) == 2
