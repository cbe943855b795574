"""`hearth privacy`: what is kept of one person, for who cannot ask in chat, or for what is too large for it."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from bot.assembly import assembled
from bot.core import Core
from bot.privacy_kinds import kinds
from bot.privacy_page import Page, archive
from bot.privacy_rows import Forgotten, export_files, export_user, forget_user
from shared import logs
from shared.errors import BadInput
from shared.settings import Settings

LARGEST: Final = 2**63 - 1
NO_BOUND: Final = 1 << 40
Who = Annotated[int, typer.Argument(help="The person's Discord id.", min=1, max=LARGEST)]
T = TypeVar("T")
app = typer.Typer(help="Hand over and remove what is kept of a person.", no_args_is_help=True)


@app.command()
def export(
    person: Who,
    file: Annotated[Path, typer.Argument(help="The archive to write.")],
    locale: Annotated[str, typer.Option(help="Language of its page, such as en-US or zh-TW.")] = "en-US",
) -> None:
    """Write all that is kept of a person into an archive, however large."""

    async def work(core: Core) -> bytes:
        found = await export_user(core.database, core.plugins, person)
        files = await export_files(core, person, found)
        page = Page(core.texts, locale, person, kinds(core.plugins), found, datetime.now(UTC))
        return await asyncio.to_thread(archive, page, files, NO_BOUND)

    if file.exists():
        raise BadInput("{file} is there already.", file=file)
    data = _with_core(work)
    try:
        # For its owner alone: it is somebody's.
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(data)
    except OSError as error:
        raise BadInput("{file} cannot be written: {reason}", file=file, reason=error.strerror) from None
    typer.echo(f"{file}: {len(data)} bytes")


@app.command()
def forget(person: Who, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove all that is kept of a person, as /privacy forget does; a running bot may go on."""
    if not yes:
        typer.confirm(f"Remove all that is kept of {person}, for good?", abort=True)

    async def work(core: Core) -> Forgotten:
        return await forget_user(core, person)

    gone = _with_core(work)
    typer.echo(f"{gone.rows} rows and {gone.files} files removed, {gone.requests} requests broken off")


def _with_core(work: Callable[[Core], Coroutine[Any, Any, T]]) -> T:
    settings = Settings()
    logs.configure("error", settings.log_format, secrets=[])

    async def run() -> T:
        async with assembled(settings, warm=False) as core:
            return await work(core)

    return asyncio.run(run())
