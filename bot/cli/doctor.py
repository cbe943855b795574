"""`hearth doctor`: what the bot needs, what it found, and what to do."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from bot.doctor import examine
from shared import logs
from shared.settings import Settings

_MARKS = {"ok": "✓", "warning": "!", "problem": "✗"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def doctor(
        online: Annotated[
            bool, typer.Option("--online", help="Ask Discord about the token and the intents.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Look at all that the bot needs, and say what to do about what is missing; 1 if there is a problem."""
        settings = Settings()
        logs.configure("critical", settings.log_format, secrets=[])
        findings = asyncio.run(examine(settings, online=online))
        if as_json:
            typer.echo(json.dumps([asdict(f) for f in findings], ensure_ascii=False))
        else:
            for each in findings:
                typer.echo(f"{_MARKS[each.level]} {each.name:<18} {each.seen}")
                if each.remedy:
                    typer.echo(f"  {'':<18} → {each.remedy}")
        if any(f.level == "problem" for f in findings):
            raise typer.Exit(1)
