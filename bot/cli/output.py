"""How the command line prints: figures as tables, and nothing but the answer on standard output."""

import contextlib
import os
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from shared.model import Interval, Report

PLAIN_WIDTH = 140


def console() -> Console:
    """Return a console on standard output; wide where that is a file or a pipe, so that nothing is cut off."""
    found = Console(highlight=False, soft_wrap=False)
    return found if found.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


@contextlib.contextmanager
def clean_stdout() -> Iterator[None]:
    """Send to standard error whatever a model or a library prints meanwhile, from Python or from C."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def figures(report: Report, title: str) -> Table:
    """Lay out each metric with its 95 % interval, beside the baseline and what others report."""
    table = Table(title=title, title_justify="left", caption=f"{report.n} rows; intervals are 95%")
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("interval", justify="right")
    table.add_column(report.baseline_name or "baseline", justify="right")
    for name in report.reference:
        table.add_column(name, justify="right")
    for metric, found in report.metrics.items():
        others = [report.baseline.get(metric), *(r.get(metric) for r in report.reference.values())]
        table.add_row(metric, number(found.value), interval(found), *map(number, others))
    return table


def interval(found: Interval) -> str:
    """Write the ends of an interval."""
    return f"{number(found.low)} – {number(found.high)}"


def number(value: float | None) -> str:
    """Write a figure with four digits that count; a dash where there is none."""
    if value is None or value != value:
        return "–"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"
