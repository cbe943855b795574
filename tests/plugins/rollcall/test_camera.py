"""The camera loop checks people in from a video, draws what it sees, and says what is wrong with a source."""

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from bot.assembly import assembled
from bot.cli.tools import Here
from bot.core import Core
from plugins.rollcall import sessions
from plugins.rollcall.camera import camera, roll_meant
from plugins.rollcall.camera_frames import Frames, Output, has_window
from plugins.rollcall.camera_loop import Labels, watch
from plugins.rollcall.faces import Face, FaceModel, FaceRequest, FaceResult
from shared.database import now_ms
from shared.errors import BadInput
from shared.model import Device
from shared.pictures import Pixels
from shared.plugins import Plugins
from shared.settings import Settings
from tests.plugins.rollcall.classroom import GUILD, Member, landscape, portrait

LABELS = Labels("unknown", "unsure")


def frame_of(data: bytes) -> Pixels:
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.thumbnail((320, 320))
    ground = Image.new("RGB", (320, 320), (90, 90, 90))
    ground.paste(picture)
    return np.array(ground)


def write_video(path: Path, frames: int = 12) -> Path:
    """Write a video: nobody for half of it, then a face."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (320, 320))
    assert writer.isOpened()
    for at in range(frames):
        data = portrait().data if at >= frames // 2 else landscape().data
        writer.write(cv2.cvtColor(frame_of(data), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def frames_of(source: Frames) -> list[Pixels]:
    found = []
    while (frame := source.next()) is not None:
        found.append(frame)
    return found


class Tool(Here):
    """The tool's context, whose lines are kept."""

    lines: list[str]

    def say(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)


def tool(settings: Settings) -> Any:
    (plugin,) = [each for each in Plugins.discover((), ()) if each.name == "rollcall"]
    made = Tool(settings, plugin, plugin.settings)
    made.lines = []
    return made


async def opened(core: Core, guild: int, channel: int) -> int:
    """Open a roll call, and return its number."""
    made = await sessions.open_session(
        core.database, now_ms(), guild_id=guild, channel_id=channel, title="Monday", time_zone="Asia/Taipei",
        started_by=5,
    )  # fmt: skip
    return made.id


async def prepared(settings: Settings) -> None:
    """Open a roll call in a server where the person of the portrait has enrolled."""
    async with assembled(settings, warm=False) as core:
        await core.states.switch("rollcall", True, GUILD, 1)
        # Here, as the camera's own worker loads the model once more.
        (seen,) = FaceModel.load(FaceModel.default, Device()).predict(
            [FaceRequest(data=portrait().data, draw=False)]
        )
        assert isinstance(seen, FaceResult)
        grace = Member.of(core, 5, "Grace")
        await grace.enrolled(seen.faces[0].vector)
        await opened(core, GUILD, 3)


async def test_a_video_checks_in_whom_it_shows_and_comes_back_drawn(
    hearth_settings: Settings, tmp_path: Path
) -> None:
    await prepared(hearth_settings)
    ctx = tool(hearth_settings)
    video, out = write_video(tmp_path / "class.avi"), tmp_path / "drawn.avi"
    # No server is named: one alone has an open roll call.
    await camera(ctx, video=video, out=out, every=3)
    assert [line for line in ctx.lines if line.endswith("  Grace")] == [ctx.lines[1]]
    assert ctx.lines[2] == "12 frames, 4 looked at, 2 faces; 1 people are in."
    drawn = Frames.of_video(out)
    frames = frames_of(drawn)
    drawn.close()
    assert len(frames) == 12
    plain = frame_of(portrait().data).astype(int)
    # The box of the last frame is not in what was filmed.
    assert (np.abs(frames[-1] - plain).max(2) > 60).sum() > 200
    async with assembled(hearth_settings, warm=False) as core:
        found = await sessions.session_numbered(core.database, GUILD, 1)
        assert found is not None
        (entry,) = await sessions.checked_in(core.database, found)
        assert (entry.user_id, entry.posted_by) == (5, None)


async def test_a_server_without_an_open_roll_call_is_refused(
    hearth_settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="no open roll call"):
        await camera(tool(hearth_settings), guild=99, video=write_video(tmp_path / "class.avi", 2))


async def test_without_a_server_the_only_open_roll_call_is_taken_and_several_are_named(
    hearth_settings: Settings,
) -> None:
    async with assembled(hearth_settings, warm=False) as core:
        with pytest.raises(BadInput, match="No server has an open roll call: open one"):
            await roll_meant(core.database, None, None)
        first = await opened(core, 30, 1)
        with pytest.raises(BadInput, match=f"No server has an open roll call {first + 1}"):
            await roll_meant(core.database, None, first + 1)
        assert (await roll_meant(core.database, None, None)).guild_id == 30
        second = await opened(core, 30, 2)
        with pytest.raises(BadInput, match=rf"--session \({first}, {second}\)"):
            await roll_meant(core.database, None, None)
        third = await opened(core, 4, 3)
        with pytest.raises(BadInput, match=r"--guild \(4, 30\)"):
            await roll_meant(core.database, None, None)
        # Numbers are of the whole installation.
        assert (await roll_meant(core.database, None, second)).channel_id == 2
        assert (await roll_meant(core.database, 4, None)).id == third
        with pytest.raises(BadInput, match=f"The server 4 has no open roll call {first}"):
            await roll_meant(core.database, 4, first)


async def test_a_source_must_be_named_and_must_be_one(hearth_settings: Settings, tmp_path: Path) -> None:
    for source in ({}, {"device": 0, "video": tmp_path / "class.avi"}):
        with pytest.raises(BadInput, match="one of them"):
            await camera(tool(hearth_settings), guild=GUILD, **source)  # type: ignore[arg-type]


def test_a_camera_that_is_not_there_is_told() -> None:
    with pytest.raises(BadInput, match="no camera 97"):
        Frames.of_camera(97)


def test_a_video_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no video"):
        Frames.of_video(tmp_path / "missing.mp4")
    (tmp_path / "text.mp4").write_bytes(b"this is no video" * 100)
    with pytest.raises(BadInput, match="not a video"):
        Frames.of_video(tmp_path / "text.mp4")


def test_a_video_cut_short_is_told_or_read_to_its_cut(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.avi").read_bytes()
    (tmp_path / "half.avi").write_bytes(whole[: len(whole) // 2])
    half = Frames.of_video(tmp_path / "half.avi")
    assert 0 < len(frames_of(half)) < 12
    half.close()
    # The header alone: it opens, or it does not, and either is told.
    (tmp_path / "header.avi").write_bytes(whole[:4096])
    with pytest.raises(BadInput):
        Frames.of_video(tmp_path / "header.avi").next()


def test_an_output_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\.mp4 or \.avi"):
        Output(tmp_path / "drawn.gif", 10.0, False)
    unwritable = Output(tmp_path / "missing" / "drawn.avi", 10.0, False)
    with pytest.raises(BadInput, match="cannot be written"):
        unwritable.show(np.zeros((32, 32, 3), np.uint8))


def test_the_headless_build_has_no_window() -> None:
    assert has_window() == ("NONE" not in cv2.getBuildInformation().split("GUI:")[1].splitlines()[0])


class Live:
    """A camera that has a new frame at once, without end."""

    live = True

    def __init__(self, frame: Pixels) -> None:
        self.frame = frame

    def next(self) -> Pixels | None:
        """Return the frame."""
        return self.frame


async def test_a_camera_never_waits_for_the_model_and_ends_in_time() -> None:
    asked, running = 0, 0

    async def look(data: bytes) -> FaceResult:
        nonlocal asked, running
        asked += 1
        running += 1
        assert running == 1, "one look at a time"
        await asyncio.sleep(0.05)
        running -= 1
        return FaceResult(faces=[], picture=b"", width=320, height=320, threshold=0.5)

    async def arrived(faces: Sequence[Face]) -> None:
        raise AssertionError("nobody was seen")

    source = Live(frame_of(landscape().data))
    seen = await watch(source, Output(None, 10.0, False), look, arrived, LABELS, every=1, seconds=0.4)
    assert asked == seen.looked >= 2
    assert seen.frames > 2 * seen.looked


async def test_a_run_that_is_broken_off_leaves_no_look_behind() -> None:
    ended = asyncio.Event()

    async def look(data: bytes) -> FaceResult:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        raise AssertionError

    async def arrived(faces: Sequence[Face]) -> None:
        raise AssertionError("nobody was seen")

    source = Live(frame_of(landscape().data))
    run = asyncio.create_task(
        watch(source, Output(None, 10.0, False), look, arrived, LABELS, every=1, seconds=None)
    )
    await asyncio.sleep(0.2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert ended.is_set()
