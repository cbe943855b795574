"""Hearth's processes: command line, client and dispatch, worker, trainer, sandbox."""

__version__ = "0.1.0"
