"""`hearth rollcall camera`: takes a server's roll by a camera or a video file, by the same worker and store."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated, Final

import typer
from sqlalchemy import select

from plugins.rollcall import sessions, tables
from plugins.rollcall.camera_loop import Labels, watch
from plugins.rollcall.faces import Face, FaceModel, FaceRequest, FaceResult, Known
from plugins.rollcall.people import enrolled
from shared.database import Database
from shared.errors import BadInput
from shared.tool import RunningHouse, Tool, ToolContext

if TYPE_CHECKING:
    from plugins.rollcall.camera_frames import Frames

EVERY: Final = 5
"""Frames from one that is looked at to the next."""


async def camera(
    ctx: ToolContext,
    guild: Annotated[
        int | None, typer.Option(help="Id of the server, where several have an open roll call.")
    ] = None,
    device: Annotated[int | None, typer.Option(min=0, help="Number of the camera; 0 is the first.")] = None,
    video: Annotated[Path | None, typer.Option(help="A video file instead of a camera.")] = None,
    session: Annotated[
        int | None, typer.Option(help="Number of the roll call, where several are open.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the drawn video here (.mp4 or .avi).")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Stop after so long.")] = None,
    every: Annotated[int, typer.Option(min=1, max=1000, help="Look at every n-th frame.")] = EVERY,
    window: Annotated[
        bool, typer.Option("--window/--no-window", help="Show a window, where OpenCV can.")
    ] = True,
) -> None:
    """Check people in by a camera or a video file; Ctrl-C, q or Escape ends it."""
    from plugins.rollcall.camera_frames import Output, has_window

    if (device is None) == (video is None):
        raise BadInput("Name a camera (--device) or a video file (--video), one of them.")
    with closing(_frames(device, video)) as frames:
        shown = window and has_window() and frames.live
        with closing(Output(out, frames.rate, shown)) as output:
            async with ctx.house() as house:
                roll = await roll_meant(house.database, guild, session)
                known = [
                    Known(each.user_id, each.name, list(each.faces))
                    for each in await enrolled(house.database, house.vault, roll.guild_id)
                ]
                ctx.say(f"Roll call {roll.id} “{roll.title}”: {len(known)} people have enrolled.")

                async def look(data: bytes) -> FaceResult:
                    return await house.predict(FaceModel, FaceRequest(data=data, known=known, draw=False))

                async def arrived(faces: Sequence[Face]) -> None:
                    await _check_in(ctx, house, roll, faces)

                labels = Labels(house.text("unknown"), house.text("unsure"))
                seen = await watch(frames, output, look, arrived, labels, every=every, seconds=seconds)
                count = len(await sessions.checked_in(house.database, roll))
    ctx.say(f"{seen.frames} frames, {seen.looked} looked at, {seen.faces} faces; {count} people are in.")
    if out is not None:
        ctx.say(f"Written to {out}.")


def _frames(device: int | None, video: Path | None) -> "Frames":
    from plugins.rollcall.camera_frames import Frames

    return Frames.of_video(video) if video is not None else Frames.of_camera(device or 0)


async def roll_meant(database: Database, guild: int | None, number: int | None) -> sessions.Session:
    """Return the open roll call that is meant: by server and number, or the only one. Raises `BadInput`."""
    table = tables.session
    query = select(table.c.guild_id, table.c.id).where(
        table.c.closed_ms.is_(None), table.c.closes_ms > _now_ms()
    )
    if guild is not None:
        query = query.where(table.c.guild_id == guild)
    if number is not None:
        query = query.where(table.c.id == number)
    async with database.begin() as connection:
        rows = (await connection.execute(query.order_by(table.c.guild_id, table.c.id))).all()
    guilds, numbers = sorted({row.guild_id for row in rows}), [row.id for row in rows]
    if not rows:
        raise _none_open(guild, number)
    if len(guilds) > 1:
        raise BadInput(
            "Several servers have an open roll call: choose one with --guild ({guilds}).",
            guilds=", ".join(map(str, guilds)),
        )
    if len(numbers) > 1:
        raise BadInput(
            "Several roll calls are open: choose one with --session ({numbers}).",
            numbers=", ".join(map(str, numbers)),
        )
    found = await sessions.session_numbered(database, guilds[0], numbers[0])
    if found is None:
        raise BadInput("The roll call has been closed.")
    return found


def _none_open(guild: int | None, number: int | None) -> BadInput:
    match guild, number:
        case None, None:
            return BadInput("No server has an open roll call: open one with /rollcall start.")
        case None, _:
            return BadInput("No server has an open roll call {number}.", number=number)
        case _, None:
            return BadInput(
                "The server {guild} has no open roll call: open one with /rollcall start.", guild=guild
            )
    return BadInput("The server {guild} has no open roll call {number}.", guild=guild, number=number)


async def _check_in(
    ctx: ToolContext, house: RunningHouse, roll: sessions.Session, faces: Sequence[Face]
) -> None:
    now_ms = _now_ms()
    users = [face.user_id for face in faces if face.user_id is not None]
    fresh = await sessions.check_in(house.database, now_ms, roll, users, None, house.text("camera"))
    if fresh is None:
        raise BadInput("The roll call has been closed.")
    for face in faces:
        if face.user_id in fresh:
            clock = datetime.fromtimestamp(now_ms / 1000).astimezone()
            ctx.say(f"{clock:%H:%M:%S}  {face.name}")


def _now_ms() -> int:
    return int(time() * 1000)


TOOLS: Final = (Tool("rollcall", "camera", camera),)
