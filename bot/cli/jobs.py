"""`hearth jobs`: the jobs of the whole bot and of every server, and how their runs went."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, TypeVar

import typer

from bot.states import note
from shared import logs
from shared.database import Database
from shared.errors import BadInput
from shared.jobs import Entry, Jobs, Run, moment
from shared.migrate import migrate
from shared.settings import Settings

app = typer.Typer(help="See, pause, run and remove what runs on a schedule.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LARGEST: Final = 2**63 - 1
"""What a database keeps as an integer."""
Number = Annotated[
    int, typer.Argument(help="The job's number, as `hearth jobs list` shows it.", min=1, max=LARGEST)
]
POLL_SECONDS: Final = 0.5
T = TypeVar("T")


@app.command("list")
def list_(
    guild: Annotated[
        int | None, typer.Option(help="Id of one server; 0 for the whole bot's jobs.", min=0, max=LARGEST)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show every job, when it runs next, and how it went last."""

    async def read(jobs: Jobs, _database: Database) -> list[tuple[Entry, list[Run]]]:
        return [(entry, await jobs.history(entry.id, 1)) for entry in await jobs.find(guild=guild)]

    found = _with_jobs(read)
    if as_json:
        typer.echo(json.dumps([_entry(entry) | {"last": [_run(r) for r in runs]} for entry, runs in found]))
        return
    for entry, runs in found:
        state = "paused" if entry.paused else f"next {_time(entry.next_ms)}"
        last = f"; last {runs[0].state} {_time(runs[0].due_ms)}" if runs else ""
        where = "whole bot" if entry.guild_id == 0 else f"server {entry.guild_id}"
        key = f" {entry.key}" if entry.key else ""
        name = f"{entry.plugin}/{entry.name}"
        when = str(entry.broken or f"{entry.schedule!s:<20} {entry.schedule.time_zone:<14}")
        typer.echo(f"{entry.id:>5} {name:<22} {when} {where}{key}: {state}{last}")


@app.command()
def pause(number: Number) -> None:
    """Have a job rest until it is resumed."""
    _change(number, "job paused", lambda jobs: jobs.pause(number, True))
    typer.echo(f"Job {number} rests.")


@app.command()
def resume(number: Number) -> None:
    """Have a paused job go on; what was due meanwhile is not made up."""
    _change(number, "job resumed", lambda jobs: jobs.pause(number, False))
    typer.echo(f"Job {number} goes on.")


@app.command()
def remove(number: Number) -> None:
    """Remove a job, and what is known of its runs. What a plugin declares is there again at the next start."""
    _change(number, "job removed", lambda jobs: jobs.remove(number))
    typer.echo(f"Job {number} is removed.")


@app.command()
def run(
    number: Number,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a running bot to do it.")] = 60.0,
) -> None:
    """Have a running bot run a job once, now; ends with 1 where it failed, 2 where no bot did it in time."""

    async def ask(jobs: Jobs, database: Database) -> Run | None:
        asked = await jobs.run_now(number)
        if asked is None:
            raise BadInput("There is no job number {number}; see hearth jobs list.", number=number)
        await _note(database, "job run", number)
        until = time.monotonic() + wait
        latest: Run | None = asked
        while latest is not None and latest.state in ("waiting", "running") and time.monotonic() < until:
            await asyncio.sleep(POLL_SECONDS)
            latest = await jobs.run(asked.id)
        return latest

    ended = _with_jobs(ask)
    if ended is None or ended.state in ("waiting", "running"):
        typer.echo(f"Job {number} waits: no running bot has finished it yet.")
        raise typer.Exit(2)
    typer.echo(f"Job {number}: {ended.state}{f': {_note_of(ended)}' if ended.note else ''}")
    if ended.state == "failed":
        raise typer.Exit(1)


@app.command()
def history(
    number: Number,
    limit: Annotated[int, typer.Option(help="Runs to show.", min=1, max=1000)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show how the last runs of a job went, the newest first."""

    async def read(jobs: Jobs, _database: Database) -> list[Run]:
        if not await jobs.find(id=number):
            raise BadInput("There is no job number {number}; see hearth jobs list.", number=number)
        return await jobs.history(number, limit)

    runs = _with_jobs(read)
    if as_json:
        typer.echo(json.dumps([_run(each) for each in runs]))
        return
    for each in runs:
        seconds = (
            f" {(each.ended_ms - each.started_ms) / 1000:.1f} s" if each.ended_ms and each.started_ms else ""
        )
        error = f" [{each.error_id}]" if each.error_id else ""
        typer.echo(
            f"{_time(each.due_ms)} {each.state:<8} attempt {each.attempt}{seconds} {_note_of(each)}{error}".rstrip()
        )


def _change(number: int, act: str, change: Callable[[Jobs], Coroutine[Any, Any, bool]]) -> None:
    async def work(jobs: Jobs, database: Database) -> None:
        if not await change(jobs):
            raise BadInput("There is no job number {number}; see hearth jobs list.", number=number)
        await _note(database, act, number)

    _with_jobs(work)


async def _note(database: Database, act: str, number: int) -> None:
    async with database.begin() as connection:
        await note(connection, database, act, None, None, job=number)


def _with_jobs(work: Callable[[Jobs, Database], Coroutine[Any, Any, T]]) -> T:
    async def all_of_it() -> T:
        async with _database() as database:
            return await work(Jobs(database), database)

    return asyncio.run(all_of_it())


@asynccontextmanager
async def _database() -> AsyncIterator[Database]:
    settings = Settings()
    logs.configure("error", settings.log_format, secrets=[])
    database = Database(settings.database)
    try:
        await migrate(database)
        yield database
    finally:
        await database.close()


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.id,
        "job": f"{entry.plugin}/{entry.name}",
        "guild": entry.guild_id,
        "key": entry.key,
        "channel": entry.channel_id,
        "schedule": str(entry.schedule),
        "time_zone": entry.schedule.time_zone,
        "missed": entry.misfire,
        "paused": entry.paused,
        "next": _time_or_none(entry.next_ms),
        "arguments": dict(entry.arguments),
        "broken": str(entry.broken) if entry.broken else None,
    }


def _note_of(run: Run) -> str:
    return run.note.replace("\n", ": ")


def _run(run: Run) -> dict[str, Any]:
    times = {"due": run.due_ms, "started": run.started_ms, "ended": run.ended_ms}
    shown = {name: _time_or_none(at_ms) for name, at_ms in times.items()}
    return {"state": run.state, "attempt": run.attempt, "note": run.note, "error_id": run.error_id, **shown}


def _time(at_ms: int | None) -> str:
    return _time_or_none(at_ms) or "–"


def _time_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else moment(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ")
