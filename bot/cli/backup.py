"""`hearth backup` and `hearth restore`: everything that Hearth keeps, in one file and back."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from shared import logs
from shared.backup import back_up
from shared.backup_archive import LIMIT, Archive
from shared.plugins import Plugins
from shared.restore import check_revisions, restore
from shared.settings import Settings
from shared.vault import FILE

KEY: Final = (
    "The secret key is not in it: keep {key} apart from backups; without it, what was sealed cannot be read."
)
SEALED: Final = (
    "What was sealed opens with the secret key of the installation that was backed up: see that it is {key}."
)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""

    @app.command("backup")
    def backup_(
        file: Annotated[Path, typer.Argument(help="The file to write, such as hearth.zip.")],
        force: Annotated[bool, typer.Option("--force", help="Replace the file where it is there.")] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Write database, model store and files of plugins to one file; a running bot need not be stopped."""
        settings = _settings()
        made = asyncio.run(back_up(settings, file, force=force, progress=_show))
        _end_line()
        manifest = made.manifest
        if as_json:
            found = {
                "file": str(made.path), "bytes": made.size, "tables": len(manifest.tables), "rows": manifest.rows,
                "files": len(manifest.files) - len(manifest.tables), "left_out": made.left_out,
            }  # fmt: skip
            typer.echo(json.dumps(found, ensure_ascii=False))
            return
        files = len(manifest.files) - len(manifest.tables)
        typer.echo(
            f"{file}: {len(manifest.tables)} tables with {manifest.rows} rows, {files} files, {made.size} bytes."
        )
        for line in made.left_out:
            typer.echo(f"left out: {line}")
        typer.echo(KEY.format(key=_key(settings)))

    @app.command("restore")
    def restore_(
        file: Annotated[Path, typer.Argument(help="A file that `hearth backup` wrote.")],
        force: Annotated[bool, typer.Option("--force", help="Replace what is there, wholly.")] = False,
        check: Annotated[
            bool, typer.Option("--check", help="Only read the file, and say what is in it.")
        ] = False,
        without: Annotated[
            list[str] | None, typer.Option(help="A plugin whose data is left out; may be given again.")
        ] = None,
        most: Annotated[float, typer.Option(help="GiB that it may have unpacked.", min=0.001)] = LIMIT
        / 2**30,
        as_json: JsonOption = False,
    ) -> None:
        """Put a backup back, all of it or nothing. The bot must be stopped."""
        settings, limit, left = _settings(), int(most * 2**30), without or []
        plugins = Plugins.discover(settings.plugin_folders, settings.disabled_plugins)
        folders = {p.name: p.card.migrations for p in plugins if p.card.migrations is not None}
        if check:
            with Archive.open(file, limit) as archive:
                archive.verify(_show)
                check_revisions(archive.manifest, folders, left)
                manifest = archive.manifest
            rows, files = manifest.rows, len(manifest.files) - len(manifest.tables)
        else:
            done = asyncio.run(
                restore(settings, file, folders, force=force, without=left, limit=limit, progress=_show)
            )
            manifest, rows, files = done.manifest, done.rows, done.files
        _end_line()
        said = {"made": manifest.created.isoformat(), "hearth": manifest.hearth, "rows": rows, "files": files}
        if as_json:
            typer.echo(json.dumps(said))
            return
        verb = "has" if check else "restored:"
        typer.echo(
            f"{file} {verb} {rows} rows and {files} files, of {said['made']}, by Hearth {manifest.hearth}."
        )
        if not check:
            typer.echo(SEALED.format(key=_key(settings)))


def _settings() -> Settings:
    settings = Settings()
    logs.configure("error", settings.log_format, secrets=[])
    return settings


def _key(settings: Settings) -> str:
    return "HEARTH_SECRET_KEY" if settings.secret_key is not None else str(settings.data_dir / FILE)


def _show(done: float, note: str = "") -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done:4.0%} {note:<60.60}")
        sys.stderr.flush()


def _end_line() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 66 + "\r")
