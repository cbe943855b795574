"""The command line: `hearth`. One module a group of commands; errors become one clear line here."""

import sys

import typer

from bot import __version__
from shared.errors import HearthError


def build() -> typer.Typer:
    """Put the whole command line together."""
    from bot.cli import call, doctor, models, plugins, predict, run, sandbox

    app = typer.Typer(
        name="hearth",
        help="A Discord chat-ops bot whose capabilities are plugins and whose models stay warm.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),
        debug: bool = typer.Option(False, "--debug", help="Show tracebacks."),
    ) -> None:
        if version:
            typer.echo(f"hearth {__version__}")
            raise typer.Exit

    for module in (run, sandbox, call, predict, doctor):
        module.register(app)
    app.add_typer(plugins.app, name="plugins")
    app.add_typer(models.app, name="models")
    return app


def main() -> None:
    """Run the command line; bad input ends with one line on standard error and status 1 or 2."""
    debug = "--debug" in sys.argv[1:]
    if debug:
        sys.argv.remove("--debug")
    try:
        build()()
    except (HearthError, OSError, ValueError, UnicodeError) as error:
        if debug:
            raise
        line = " ".join(str(error).split()) or type(error).__name__
        sys.stderr.write(f"hearth: {line[:500]}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
