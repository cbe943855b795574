"""What goes by itself: sessions that midnight closed, old ones, and people who were not seen for long."""

from datetime import timedelta
from typing import Final

from plugins.rollcall.people import delete_unseen
from plugins.rollcall.sessions import DAY_MS, close_overdue, delete_old_sessions
from shared.context import JobContext
from shared.database import Database, now_ms
from shared.plugin import Job


async def tidy(database: Database, now_ms: int, *, session_days: int, face_days: int) -> tuple[int, int, int]:
    """Close, and erase, what has had its time; return how many sessions closed, sessions and people erased."""
    async with database.begin() as connection:
        closed = await close_overdue(connection, now_ms)
        sessions = await delete_old_sessions(connection, now_ms - session_days * DAY_MS)
        people = await delete_unseen(connection, now_ms - face_days * DAY_MS)
    return closed, sessions, people


async def run(ctx: JobContext) -> None:
    """Tidy, as the settings say."""
    await tidy(
        ctx.database,
        now_ms(),
        session_days=ctx.settings.session_days,
        face_days=ctx.settings.face_days,
    )


JOBS: Final = (
    Job(
        name="tidy",
        run=run,
        summary="Remove roll calls and faces that have had their time",
        every=timedelta(hours=1),
    ),
)
