"""What goes wrong round a run: rows that cannot be read, bots that stop, databases that are away."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from schedules.ledger import Claim, Ledger
from schedules.runner import Runner
from shared.errors import BadInput
from shared.jobs import Entry
from shared.plugin import Job
from shared.schedule import Schedule
from shared.tables import job
from tests.kit.turned import Turned, nothing


@pytest.mark.parametrize(
    ("column", "value"),
    [("time_zone", "Mars/Base"), ("schedule", "61 * * * *"), ("arguments", "{"), ("arguments", "7")],
)
async def test_a_row_that_cannot_be_read_says_so_once_and_holds_nobody_up(
    bot: Turned, column: str, value: str
) -> None:
    broken = await bot.add("0:00", key="broken")
    await bot.add("0:00", key="sound")
    async with bot.database.begin() as connection:
        await connection.execute(update(job).where(job.c.id == broken.id).values({column: value}))
    runner = bot.runner()
    await bot.until(bot.at + timedelta(days=3), runner)
    assert len(bot.log) == 3
    assert len(bot.told) == 1
    (run,) = await bot.jobs.history(broken.id)
    assert (run.state, run.attempt) == ("failed", 1)
    found = await bot.jobs.find()
    assert [entry.broken is None for entry in found] == [False, True]
    with pytest.raises(BadInput):
        await bot.jobs.pause(broken.id, False)
    assert await bot.jobs.remove(broken.id)


async def test_a_row_that_was_repaired_goes_on_when_it_is_resumed(bot: Turned) -> None:
    entry = await bot.add("0:00")
    for zone in ("Mars/Base", "UTC"):
        async with bot.database.begin() as connection:
            await connection.execute(update(job).values(time_zone=zone))
        await bot.until(bot.at + timedelta(days=1, hours=1), bot.runner())
    assert bot.log == []
    await bot.jobs.pause(entry.id, False)
    await bot.until(bot.at + timedelta(days=1), bot.runner())
    assert len(bot.log) == 1


async def test_a_job_that_breaks_itself_off_has_failed_and_is_not_run_for_ever(bot: Turned) -> None:
    bot.job = Job(name="post", run=nothing, retries=1)
    entry = await bot.add("0:00")
    bot.raises = [asyncio.CancelledError()] * 9
    await bot.until(bot.at + timedelta(days=1, hours=12), bot.runner())
    assert len(bot.log) == 2
    assert [run.state for run in await bot.jobs.history(entry.id)] == ["failed"]


@dataclass
class Held:
    """Work that goes on until it is let go."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    attempts: list[tuple[int, bool]] = field(default_factory=list)

    async def __call__(self, claim: Claim, _job: Job) -> None:
        self.attempts.append((claim.run.attempt, claim.run.asked))
        self.begun.set()
        await self.go.wait()


async def under_way(bot: Turned) -> tuple[Entry, Runner, Held]:
    """Return a job that was asked for, the runner that has begun it, and what holds it up."""
    entry = await bot.add("0:00")
    await bot.jobs.run_now(entry.id)
    runner, held = bot.runner(), Held()
    runner.work = held
    await runner.turn()
    await held.begun.wait()
    return entry, runner, held


async def test_stopping_the_bot_costs_a_run_no_attempt(bot: Turned) -> None:
    entry = await bot.add("0:00")
    await bot.jobs.run_now(entry.id)
    held = Held()
    for life in "abc":
        runner = bot.runner(life=life)
        runner.work = held
        held.begun.clear()
        await runner.start()
        await runner.turn()
        await held.begun.wait()
        await runner.stop(0)
    assert held.attempts == [(1, True)] * 3


async def test_a_run_that_was_asked_for_is_so_at_its_second_attempt_too(bot: Turned) -> None:
    entry = await bot.add("0:00")
    await bot.jobs.run_now(entry.id)
    runner, held = bot.runner(), Held()

    async def work(claim: Claim, job: Job) -> None:
        await held(claim, job)
        raise RuntimeError("no")

    held.go.set()
    runner.work = work
    await bot.until(bot.at + timedelta(hours=1), runner)
    assert held.attempts == [(1, True), (2, True), (3, True)]
    assert (await bot.jobs.history(entry.id))[0].note == "RuntimeError: no"


async def test_what_was_done_while_the_database_was_away_is_not_done_again(bot: Turned) -> None:
    entry, runner, held = await under_way(bot)
    async with bot.database.begin() as connection:
        await connection.execute(text("ALTER TABLE job_run RENAME TO away"))
    held.go.set()
    await asyncio.sleep(0.1)
    async with bot.database.begin() as connection:
        await connection.execute(text("ALTER TABLE away RENAME TO job_run"))
    await runner.idle()
    bot.at += timedelta(minutes=5)
    await bot.settle(runner)
    assert held.attempts == [(1, True)]
    assert [run.state for run in await bot.jobs.history(entry.id)] == ["done"]


async def test_what_had_ended_when_the_bot_stopped_has_ended(bot: Turned) -> None:
    entry, runner, held = await under_way(bot)
    async with bot.database.begin():
        # It cannot be written down while this transaction is open.
        held.go.set()
        await asyncio.sleep(0.05)
        stopped = asyncio.create_task(runner.stop(0))
        await asyncio.sleep(0.05)
    await stopped
    assert [run.state for run in await bot.jobs.history(entry.id)] == ["done"]


async def test_a_failure_that_could_not_be_told_is_told_the_next_time(bot: Turned) -> None:
    bot.job = Job(name="post", run=nothing, retries=0)
    await bot.add("0:00")
    bot.raises = [RuntimeError("no")] * 3
    runner, told = bot.runner(), []

    async def tell(_claim: Claim, error: BaseException, _id: str | None) -> None:
        told.append(error)
        if len(told) == 1:
            raise OSError("Discord is away")

    runner.tell = tell
    await bot.until(bot.at + timedelta(days=3, hours=1), runner)
    assert len(told) == 2


async def test_a_start_does_not_wait_until_a_failure_is_told(bot: Turned) -> None:
    bot.job = Job(name="post", run=nothing, retries=0)
    entry = await bot.add("0:00")
    await bot.jobs.run_now(entry.id)
    await Ledger(bot.database, instance="one", life="earlier", now=bot.now).take(1, {("stock", "post")})
    runner, ready, told = bot.runner("one"), asyncio.Event(), []

    async def tell(_claim: Claim, error: BaseException, _id: str | None) -> None:
        await ready.wait()
        told.append(str(error))

    runner.tell = tell
    async with asyncio.timeout(5):
        await runner.start()
    assert told == []
    ready.set()
    await runner.idle()
    assert len(told) == 1


async def test_a_run_goes_on_beside_one_that_got_a_removed_runs_number(bot: Turned) -> None:
    first = await bot.add("0:00", key="1")
    runner, held, after = bot.runner(), Held(), Held()
    await bot.jobs.run_now(first.id)
    runner.work = held
    await runner.turn()
    await held.begun.wait()
    await bot.jobs.remove(first.id)
    bot.at += timedelta(seconds=1)
    second = await bot.add("0:00", key="2")
    run = await bot.jobs.run_now(second.id)
    assert run is not None
    assert run.id == 1, "SQLite gives it again"
    await asyncio.sleep(0)
    runner.work = after
    await runner.turn()
    await after.begun.wait()
    held.go.set()
    await asyncio.sleep(0.1)
    assert [each.state for each in await bot.jobs.history(second.id)] == ["running"]
    after.go.set()
    await runner.idle()
    assert [each.state for each in await bot.jobs.history(second.id)] == ["done"]


async def test_a_run_under_way_is_broken_off_when_its_job_is_removed(bot: Turned) -> None:
    entry, runner, _ = await under_way(bot)
    await bot.jobs.remove(entry.id)
    await runner.renew()
    async with asyncio.timeout(5):
        await runner.idle()


async def test_a_reason_that_a_database_does_not_take_is_written_down_without_that(bot: Turned) -> None:
    bot.job = Job(name="post", run=nothing, retries=0)
    entry = await bot.add("0:00")
    await bot.jobs.run_now(entry.id)
    bot.raises = [RuntimeError("no\0 file \udc80")]
    await bot.settle(bot.runner())
    assert [run.note for run in await bot.jobs.history(entry.id)] == ["RuntimeError: no file ?"]


async def test_a_missed_time_is_skipped_though_it_was_written_down_in_time(bot: Turned) -> None:
    entry = await bot.jobs.put("stock", "post", Schedule.read("0:00"), guild=7, misfire="skip")
    there: set[int] = set()
    runner = bot.runner()
    runner.ledger = Ledger(bot.database, instance="one", life="a", guilds=lambda: there, now=bot.now)
    bot.at += timedelta(days=1)
    await bot.settle(runner)
    # Discord was away for an hour.
    bot.at += timedelta(hours=1)
    there.add(7)
    await bot.settle(runner)
    assert bot.log == []
    assert [run.state for run in await bot.jobs.history(entry.id)] == ["skipped"]


async def test_a_plugin_that_was_away_for_days_makes_up_one_run_and_leaves_one_row(bot: Turned) -> None:
    entry = await bot.add("every 1h")
    away = Ledger(bot.database, instance="one", life="a", now=bot.now)
    for _ in range(72):
        bot.at += timedelta(hours=1)
        await away.advance()
    assert len(await bot.jobs.history(entry.id, 100)) == 1
    await bot.settle(bot.runner())
    assert [due for due, _ in bot.log] == [bot.at]


async def test_a_run_by_hand_does_not_take_the_place_of_one_that_is_due(bot: Turned) -> None:
    entry = await bot.add("0:00")
    bot.at += timedelta(days=1, seconds=-1)
    await bot.jobs.run_now(entry.id)
    runner, held = bot.runner(), Held()
    runner.work = held
    await runner.turn()
    await held.begun.wait()
    bot.at += timedelta(seconds=1)
    await runner.turn()
    held.go.set()
    await bot.settle(runner)
    await runner.turn()
    await runner.idle()
    assert held.attempts == [(1, True), (1, False)]
    assert [run.state for run in await bot.jobs.history(entry.id)] == ["done", "done"]


async def test_a_clock_that_ran_years_ahead_and_was_put_right_stops_no_job(bot: Turned) -> None:
    right = bot.at
    await bot.add("0:00", key="daily")
    bot.at += timedelta(days=4000)
    await bot.add("every 1h", key="hourly")
    await bot.settle(bot.runner())
    bot.at, bot.log = right + timedelta(days=1, hours=1), []
    runner = bot.runner(life="later")
    await runner.start()
    await bot.until(bot.at + timedelta(days=1), runner)
    assert len(bot.log) == 24 + 1
    assert all(right < due <= bot.at for due, _ in bot.log)


async def test_a_job_that_leaves_python_does_not_take_the_bot_with_it(bot: Turned) -> None:
    bot.job = Job(name="post", run=nothing, retries=0)
    entry = await bot.add("0:00")
    await bot.jobs.run_now(entry.id)
    bot.raises = [SystemExit(3)]
    await bot.settle(bot.runner())
    assert [run.note for run in await bot.jobs.history(entry.id)] == ["SystemExit: 3"]


async def test_a_job_may_be_tried_again_for_weeks(bot: Turned) -> None:
    bot.job = Job(name="post", run=nothing, retries=60)
    entry = await bot.add("0:00")
    await bot.jobs.pause(entry.id, True)
    await bot.jobs.run_now(entry.id)
    bot.raises = [RuntimeError("no")] * 60
    await bot.until(bot.at + timedelta(days=30), bot.runner())
    (run,) = await bot.jobs.history(entry.id)
    assert (run.state, run.attempt) == ("done", 61)


async def test_what_waited_for_its_server_is_not_run_once_for_each_time_that_was_missed(bot: Turned) -> None:
    await bot.jobs.put("stock", "post", Schedule.read("every 1m"), guild=7, misfire="skip")
    there: set[int] = set()
    runner = bot.runner()
    runner.ledger = Ledger(bot.database, instance="one", life="a", guilds=lambda: there, now=bot.now)
    for _ in range(10):
        bot.at += timedelta(minutes=1)
        await bot.settle(runner)
    there.add(7)
    await bot.settle(runner)
    assert len(bot.log) == 1


async def test_a_key_in_an_address_is_not_kept_in_the_note(bot: Turned) -> None:
    bot.job = Job(name="post", run=nothing, retries=0)
    entry = await bot.add("0:00")
    await bot.jobs.run_now(entry.id)
    bot.raises = [RuntimeError("403 of https://places.test/v1?key=AIzaSyExample&q=1")]
    await bot.settle(bot.runner())
    (run,) = await bot.jobs.history(entry.id)
    assert run.note == "RuntimeError: 403 of https://places.test/v1?key=[redacted]&q=1"
