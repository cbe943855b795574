"""`hearth plugins`: see, switch, check and begin plugins."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import MetaData, inspect, select

from bot.assembly import load_plugins
from bot.scaffold import write_plugin
from bot.states import EVERYWHERE, States
from shared import logs
from shared.database import Database
from shared.errors import BadInput, Refusal
from shared.feedback import as_csv, as_training_rows, feedback_table
from shared.learning import NAME as FEEDBACK
from shared.migrate import migrate
from shared.plugins import Plugins
from shared.settings import Settings

app = typer.Typer(help="See, switch, check and begin plugins.", no_args_is_help=True)
GuildOption = Annotated[
    int | None, typer.Option("--guild", help="Id of one server; without it, all servers.")
]


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every plugin, where it comes from, and whether it is on."""
    plugins, states = asyncio.run(_read())
    rows = [
        {
            "name": plugin.name,
            "state": "on" if states.is_on(plugin.name, None) else "off",
            "origin": plugin.origin,
            "summary": plugin.card.summary,
            "off_in": sorted(g for name, g in states.off if name == plugin.name and g != EVERYWHERE),
        }
        for plugin in plugins
    ]
    rows += [
        {"name": q.name, "state": "quarantined", "origin": q.origin, "summary": q.reason, "off_in": []}
        for q in plugins.quarantined.values()
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        off = f" (off in {len(row['off_in'])} servers)" if row["off_in"] else ""
        typer.echo(f"{row['name']:<14} {row['state']:<12} {row['origin']:<24} {row['summary']}{off}")


@app.command()
def enable(name: str, guild: GuildOption = None) -> None:
    """Switch a plugin on, for all servers or one; a running bot follows within seconds."""
    asyncio.run(_switch(name, True, guild))


@app.command()
def disable(name: str, guild: GuildOption = None) -> None:
    """Switch a plugin off, for all servers or one; a running bot follows within seconds."""
    asyncio.run(_switch(name, False, guild))


@app.command()
def reload(name: str) -> None:
    """Have every running bot on this database load the plugin's code anew."""
    asyncio.run(_reload(name))


@app.command()
def doctor() -> None:
    """Load every plugin, say what is wrong with it, and end with 1 if anything is."""
    plugins, _ = asyncio.run(_read())
    for plugin in plugins:
        commands = ", ".join(f"/{plugin.name} {c.name}" for c in plugin.commands if not c.hidden) or "none"
        models = ", ".join(m.name for m in plugin.models) or "none"
        typer.echo(f"ok          {plugin.name}: commands {commands}; models {models}")
    for each in plugins.quarantined.values():
        typer.echo(f"quarantined {each.name} ({each.origin}): {each.reason}")
        where = [line.strip() for line in each.trace.splitlines() if line.lstrip().startswith("File ")]
        if where:
            typer.echo(f"            {where[-1]}")
    if plugins.quarantined:
        raise typer.Exit(1)


@app.command()
def new(
    name: str,
    folder: Annotated[Path, typer.Option(help="Where the package's folder is made.")] = Path(),
) -> None:
    """Write a working plugin, as a package of its own, with a passing test."""
    root = write_plugin(name, folder)
    typer.echo(f"Wrote {root}. Next: pip install -e {root} && pytest {root}")


@app.command()
def feedback(
    name: str,
    out: Annotated[Path | None, typer.Option(help="File to write to; else standard output.")] = None,
) -> None:
    """Write what people said about a plugin's answers, as a data file to train on: columns text and label.

    By majority alone; a retraining is stricter, see docs/retraining.md.
    """
    rows = asyncio.run(_feedback(name))
    if out is None:
        typer.echo(as_csv(rows), nl=False)
        return
    if out.exists():
        raise BadInput("{file} is there already.", file=out)
    out.write_text(as_csv(rows), encoding="utf-8", newline="")
    typer.echo(f"{out}: {len(rows)} texts.")


async def _read() -> tuple[Plugins, States]:
    settings = Settings()
    # What is quarantined is printed; the log's lines would say it twice.
    logs.configure("critical", settings.log_format, secrets=[])
    database = Database(settings.database)
    try:
        await migrate(database)
        plugins, states = await load_plugins(settings, database), States(database)
        await states.refresh()
        return plugins, states
    finally:
        await database.close()


async def _switch(name: str, on: bool, guild: int | None) -> None:
    if name != FEEDBACK:
        await _known(name)
    database = Database(Settings().database)
    try:
        await States(database).switch(name, on, guild, None)
    finally:
        await database.close()
    where = "all servers" if guild is None else f"server {guild}"
    typer.echo(f"{name} is {'on' if on else 'off'} in {where}.")


async def _reload(name: str) -> None:
    await _known(name)
    database = Database(Settings().database)
    try:
        await States(database).request_reload(name, None)
    finally:
        await database.close()
    typer.echo(f"{name}: running bots load it anew within seconds.")


async def _feedback(name: str) -> list[tuple[str, str]]:
    plugins = await _known(name)
    found = plugins.get(name)
    # A plugin may keep feedback that no model of it learns from.
    declared = found.card.feedback if found is not None else None
    table = declared.table if declared is not None else feedback_table(name, MetaData())
    database = Database(Settings().database)
    try:
        async with database.begin() as connection:
            if not await connection.run_sync(lambda sync: inspect(sync).has_table(table.name)):
                raise Refusal("{name} takes no feedback.", name=name)
            said = await connection.execute(select(table.c.text, table.c.label).order_by(table.c.id))
            return as_training_rows((text, label) for text, label in said)
    finally:
        await database.close()


async def _known(name: str) -> Plugins:
    plugins, _ = await _read()
    if plugins.get(name) is None and name not in plugins.quarantined:
        there = ", ".join(sorted(plugins.loaded)) or "none"
        raise BadInput("There is no plugin named {name}; there are: {there}.", name=name, there=there)
    return plugins
