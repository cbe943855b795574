"""`hearth call PLUGIN COMMAND …`: the same command as in chat, without Discord."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bot.assembly import assembled
from bot.parse import READABLE
from shared import logs
from shared.addresses import address_in
from shared.command import Command
from shared.context import Asker, Tracker
from shared.errors import BadInput
from shared.inputs import Upload
from shared.parameters import Raw
from shared.reply import Reply, unescape
from shared.settings import Settings

LONGEST_PATH: Final = 1024


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": False})
    def call(
        plugin: Annotated[str, typer.Argument(help="A plugin, such as spam.")],
        command: Annotated[str, typer.Argument(help="One of its commands, such as score.")],
        values: Annotated[
            list[str] | None,
            typer.Argument(
                help="Its values in order, or NAME=VALUE; a file by its path; - reads standard input."
            ),
        ] = None,
        locale: Annotated[str, typer.Option(help="A Discord locale, such as en-US or zh-TW.")] = "en-US",
        as_json: Annotated[bool, typer.Option("--json", help="Print the reply as one JSON object.")] = False,
        pictures: Annotated[Path | None, typer.Option(help="Folder to write pictures and files to.")] = None,
    ) -> None:
        """Run a command as if in chat, and print its reply."""
        settings = Settings()
        logs.configure("error", settings.log_format, secrets=[])
        reply = asyncio.run(_call(settings, plugin, command, values or [], locale))
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            shown = {p.name: p.data for p in reply.pictures} | {f.name: f.data for f in reply.files}
            for name, data in shown.items():
                (pictures / Path(name).name).write_bytes(data)
        typer.echo(json.dumps(_as_json(reply), ensure_ascii=False) if as_json else _as_text(reply))


async def _call(settings: Settings, plugin: str, name: str, values: list[str], locale: str) -> Reply:
    # One command needs one model or two, not all of them.
    async with assembled(settings, warm=False) as core:
        group, command = core.find(plugin, name)
        raw = await asyncio.to_thread(_raw, command, values)
        # Whoever has the command line has the machine: there is nothing to keep from them.
        asker = Asker(user_id=0, name="command line", locale=locale, permissions=1 << 3)
        return await core.run(group, command, raw, asker, Tracker())


def _raw(command: Command, values: list[str]) -> dict[str, Raw]:
    raw: dict[str, Raw] = {}
    names = [p.name for p in command.parameters]
    waiting = iter(names)
    for value in values:
        name, equals, rest = value.partition("=")
        if not (equals and name in names):
            name, rest = next((n for n in waiting if n not in raw), ""), value
            if not name:
                raise BadInput(
                    "{command} takes {count} values at most.", command=command.name, count=len(names)
                )
        kind = command.parameters[names.index(name)].kind
        if kind == "article" and rest != "-":
            raw[name] = _article(rest)
        elif kind in ("image", "images", "table"):
            files = tuple(_upload(Path(path)) for path in (rest.split(",") if kind == "images" else [rest]))
            raw[name] = files if kind == "images" else files[0]
        else:
            raw[name] = sys.stdin.read() if rest == "-" else rest
    return raw


def _article(value: str) -> Raw:
    """Read the file that a value names; an address and a text stay what they are."""
    if (
        len(value) < LONGEST_PATH
        and "\n" not in value
        and (Path(value).is_file() or value.lower().endswith(READABLE))
    ):
        return value if address_in(value) else _upload(Path(value))
    return value


def _upload(path: Path) -> Upload:
    if not path.is_file():
        raise BadInput("There is no file {file}.", file=path)
    return Upload(path.name, path.read_bytes())


def _as_json(reply: Reply) -> dict[str, Any]:
    return {
        "title": reply.title,
        "text": unescape(reply.text),
        "tone": reply.tone,
        "fields": {unescape(field.name): unescape(field.value) for field in reply.fields},
        "pictures": [{"name": p.name, "alt": p.alt, "bytes": len(p.data)} for p in reply.pictures],
        "files": [{"name": f.name, "bytes": len(f.data)} for f in reply.files],
        "buttons": [b.label for b in reply.buttons],
        "source": reply.source,
    }


def _as_text(reply: Reply) -> str:
    lines = [reply.title or "", reply.text, *(f"{f.name}: {f.value}" for f in reply.fields)]
    lines = [unescape(line) for line in lines]
    lines += [f"[{p.name}] {p.alt}" for p in reply.pictures] + [f"[{f.name}]" for f in reply.files]
    return "\n".join(line for line in [*lines, reply.source or ""] if line)
