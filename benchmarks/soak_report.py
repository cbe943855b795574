"""What a soak is to do and what was seen of it, and the report of that."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.callers import percentile
from benchmarks.soak_faults import FAULTS, MEANING, Fault
from benchmarks.soak_memory import Growth, Watch, chart

SEED: Final = 20261125
WARM_UP: Final = 180.0
SHORTEST: Final = 120.0
CHART: Final = Path(__file__).parents[1] / "docs" / "assets" / "soak.png"


@dataclass(frozen=True)
class Plan:
    """How long, how many a second, with which faults, each `between` seconds on average."""

    seconds: float
    rate: float
    faults: Sequence[str] = tuple(FAULTS)
    between: float = 20.0
    seed: int = SEED
    mix: frozenset[str] | None = None
    """Kinds of requests, if not all."""
    timetable: Sequence[tuple[float, str]] = ()
    """Seconds and faults, instead of those at random."""


@dataclass(frozen=True)
class Request:
    """What became of one request. `outcome` is of OUTCOMES, `after` the fault in whose shadow it was."""

    kind: str
    at: float
    seconds: float
    outcome: str
    after: str
    said: str = ""


OUTCOMES: Final = {
    "answered": "answered",
    "refused": "refused: what was sent cannot be used",
    "error": "refused: a clear error with an id, or “busy”",
    "restarted": "told after a restart to ask again",
    "no response": "Discord itself said that the bot did not respond (it was down, or being connected again)",
    "gone": "the sandbox, which is Discord here, was killed before the bot had acknowledged it",
    "lost": "**lost**",
}


@dataclass
class Soak:
    """What was seen."""

    plan: Plan
    seconds: float
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    unsent: int = 0
    watch: Watch | None = None
    database: str = "SQLite"

    def count(self, outcome: str) -> int:
        """Return how many requests ended so."""
        return sum(each.outcome == outcome for each in self.requests)

    @property
    def lost(self) -> list[Request]:
        """Those who got neither an answer nor an error."""
        return [each for each in self.requests if each.outcome == "lost"]


def report(found: Soak) -> str:
    """Return the section's Markdown, and draw the chart beside the document."""
    parts = [_how(found), _outcomes(found), _by_fault(found), _times(found), _memory(found)]
    return "\n\n".join(part for part in parts if part)


def _how(found: Soak) -> str:
    killed = Counter(each.kind for each in found.faults)
    return (
        f"`hearth sandbox` in processes of its own on {found.database}; three people ask "
        f"{found.plan.rate:g} times a second for {found.plan.seconds / 60:g} minutes (seed {found.plan.seed}), "
        f"whether earlier requests were answered or not. {sum(killed.values())} faults, on average "
        f"{found.plan.between:g} s apart; in the last third none that ends the bot or its worker. "
        f"{found.unsent:,} more requests could not be sent, since the sandbox, or the bot's commands on it, "
        "were not there yet: those nobody asked."
    )


def _outcomes(found: Soak) -> str:
    rows = [f"| asked | {len(found.requests):,} |"]
    rows += [f"| {words} | {found.count(outcome):,} |" for outcome, words in OUTCOMES.items()]
    return "| requests | |\n|---|--:|\n" + "\n".join(rows)


def _by_fault(found: Soak) -> str:
    """One row a kind of fault: those asked in its shadow, what became of them, and the time until an answer."""
    head = (
        "| in the shadow of | times | asked | "
        + " | ".join(OUTCOMES)
        + " | answered again after, median (most) |"
    )
    lines = [head, "|---|" + "--:|" * (len(OUTCOMES) + 3)]
    for kind in ("", *FAULTS):
        faults = [each for each in found.faults if each.kind == kind]
        if kind and not faults:
            continue
        asked = [r for r in found.requests if (kind in r.after.split() if kind else not r.after)]
        counts = Counter(each.outcome for each in asked)
        again = [each.recovered - each.at for each in faults if each.recovered is not None]
        took = f"{statistics.median(again):.1f} s ({max(again):.1f} s)" if again else "–"
        cells = " | ".join(f"{counts[outcome]:,}" for outcome in OUTCOMES)
        name = MEANING[kind] if kind else "nothing"
        lines.append(f"| {name} | {len(faults) or '–'} | {len(asked):,} | {cells} | {took} |")
    return (
        "\n".join(lines)
        + "\n\nThe shadow lasts from the fault until 30 s after the first answer; a request may be in several."
    )


def _times(found: Soak) -> str:
    answered = [each for each in found.requests if each.outcome in ("answered", "refused")]
    lines = ["| answered within | requests | median | 99th percentile |", "|---|--:|--:|--:|"]
    groups: list[tuple[str, list[Request]]] = [
        ("all", answered),
        ("in no shadow", [each for each in answered if not each.after]),
    ]
    for kind in sorted({each.kind for each in answered}):
        groups.append((f"`{kind}`", [each for each in answered if each.kind == kind]))
    for name, group in groups:
        if seconds := [each.seconds for each in group]:
            median, late = statistics.median(seconds), percentile(seconds, 0.99)
            lines.append(f"| {name} | {len(group):,} | {median * 1000:,.0f} ms | {late * 1000:,.0f} ms |")
    return "\n".join(lines)


def _memory(found: Soak) -> str:
    if found.watch is None:
        return ""
    CHART.parent.mkdir(parents=True, exist_ok=True)
    CHART.write_bytes(chart(found.watch.seen, [(each.at, each.kind) for each in found.faults]))
    picture = "![Resident memory of bot and worker over the soak; above it the faults](assets/soak.png)"
    growths = found.watch.growths(WARM_UP, SHORTEST)
    if not growths:
        return f"No process lived for {WARM_UP + SHORTEST:g} s.\n\n{picture}"
    lines = [
        f"Memory of each process that lived for {SHORTEST:g} s and more after a warm-up of {WARM_UP:g} s: "
        "a straight line fitted to what was resident each second.",
        "",
        "| process | seconds after the warm-up | at its end | at the end | growth |",
        "|---|--:|--:|--:|--:|",
    ]
    for each in growths:
        lines.append(
            f"| {each.process} | {each.seconds:.0f} | {each.begin_mib:.0f} MiB | {each.end_mib:.0f} MiB "
            f"| {each.share:+.1%} |"
        )
    return "\n".join(lines) + f"\n\n{picture}"
