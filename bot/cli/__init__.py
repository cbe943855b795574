"""The command line: `hearth`. One module a group of commands; errors become one clear line here."""

import sys
import traceback
from typing import Final, NoReturn

import typer
from pydantic import ValidationError

from bot import __version__
from shared.errors import HearthError
from shared.redaction import Redactor

OWN: Final = frozenset(
    {
        "run",
        "sandbox",
        "call",
        "predict",
        "doctor",
        "backup",
        "restore",
        "plugins",
        "models",
        "jobs",
        "privacy",
    }
)
"""The first words of Hearth's own commands."""


def build() -> typer.Typer:
    """Put the whole command line together."""
    from bot.cli import backup, call, doctor, jobs, models, plugins, predict, privacy, run, sandbox

    app = typer.Typer(
        name="hearth",
        help="A Discord chat-ops bot whose capabilities are plugins and whose models stay warm.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )

    @app.callback()
    def root(
        version: bool = typer.Option(
            False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
        debug: bool = typer.Option(False, "--debug", help="Show tracebacks."),
    ) -> None:
        # Both are dealt with before: --version by its callback, --debug in `main`.
        del version, debug

    for module in (run, sandbox, call, predict, doctor, backup):
        module.register(app)
    app.add_typer(plugins.app, name="plugins")
    app.add_typer(models.app, name="models")
    app.add_typer(jobs.app, name="jobs")
    app.add_typer(privacy.app, name="privacy")
    named = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    # Plugins are loaded only where one of their commands may be meant: loading takes a moment.
    if named not in OWN:
        from bot.cli.tools import add_tools

        add_tools(app)
    return app


def main() -> None:
    """Run the command line; bad input ends with one line on standard error and status 1, or 2 for wrong usage."""
    debug = "--debug" in sys.argv[1:]
    if debug:
        sys.argv.remove("--debug")
    try:
        sys.exit(build()(standalone_mode=False))
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        # Without a message it is the help, already shown, that stands for one.
        if message := error.format_message():
            usage = f" – see {context.command_path} --help" if context is not None else ""
            _end(message + usage, error.exit_code)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except (HearthError, OSError, ValueError) as error:
        if debug:
            _traceback()
        _end(
            _settings(error) if isinstance(error, ValidationError) else str(error) or type(error).__name__, 1
        )
    # A mistake of ours, or a library's own error, of which the whole is wanted.
    except Exception as error:
        _traceback()
        _end(f"{type(error).__name__}: {error}", 1)


def _settings(error: ValidationError) -> str:
    """Say which setting is wrong, and how."""
    wrong = [f"HEARTH_{'__'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
    return "; ".join(wrong) + ". See docs/settings.md."


def _end(message: str, status: int) -> NoReturn:
    sys.stderr.write(f"hearth: {Redactor.here().text(' '.join(message.split()))[:500]}\n")
    sys.exit(status)


def _traceback() -> None:
    sys.stderr.write(Redactor.here().text(traceback.format_exc()))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hearth {__version__}")
        raise typer.Exit
