"""What a report on a training tells: the version, its figures, its loss curves, and what the doctor reads in them.

How it is laid out as a page is in `training_report_html`; as a picture for chat, in `loss_charts`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.charts import Losses, Mark, Measured
from shared.curve_doctor import Finding, Kind, read_curves
from shared.manifest import Change, Judgement, Manifest
from shared.model import Report
from shared.texts import Text

Say = Callable[[Text], str]
"""Says a text in the reader's language."""
MOST_EPOCHS: Final = 10_000
MOST_CURVES: Final = 8
MOST_FIGURES: Final = 6
MOST_BESIDE: Final = 2
KEY: Final = ("accuracy", "f1", "f1_macro", "macro_f1", "roc_auc", "precision", "recall", "top5")
"""Metrics that people know, the first ones first; a model without any of them shows its own."""
KINDS: Final[Mapping[Kind, Text]] = {
    "converged": Text("converged"),
    "overfitting": Text("overfitting"),
    "underfitting": Text("underfitting"),
    "rate_too_high": Text("learning rate too high"),
    "diverging": Text("diverging"),
    "data_trouble": Text("trouble with the data"),
    "target_not_scaled": Text("target not scaled"),
}
NO_EPOCHS: Final = Text(
    "This model is fitted as a whole, not epoch by epoch, so there is no loss curve to read."
)
NOT_RECORDED: Final = Text("This training recorded no losses, so there is no curve to read.")
NOTHING: Final = Text("Nothing to report: the curves show none of the troubles that the doctor knows.")


@dataclass(frozen=True)
class Subject:
    """A version of a model, with all that the store has of it; `changes` are those of the model, oldest first.

    `card` is the model's card in Markdown, that of the weights that ship where this version has none.
    """

    manifest: Manifest
    report: Report
    judgements: Sequence[Judgement] = ()
    changes: Sequence[Change] = ()
    card: str = ""


@dataclass(frozen=True)
class Curves:
    """The losses of one network, an epoch each; `test` is those of rows that it was not fitted on, or empty.

    `name` is empty for the only network of a model, or the main one.
    """

    name: str
    train: Sequence[float]
    test: Sequence[float] = ()

    def findings(self) -> list[Finding]:
        """Return what the doctor reads in them; of the first epochs alone, where one curve is longer."""
        both = min(len(self.train), len(self.test)) if self.test else len(self.train)
        if not self.train:
            return read_curves(self.test)
        return read_curves(self.train[:both], self.test[:both])


def curves_of(report: Report) -> list[Curves]:
    """Return the curves under `details["curves"]`: lists named "train" and "test", or "NAME train" and "NAME test"."""
    found: Any = report.details.get("curves")
    if not isinstance(found, dict):
        return []
    networks: dict[str, dict[str, list[float]]] = {}
    for key, values in list(found.items())[:MOST_CURVES]:
        if not isinstance(key, str) or not isinstance(values, list) or not values:
            continue
        name, _, part = key[:60].rpartition(" ")
        if part not in ("train", "test"):
            name, part = key[:60], "train"
        # JSON has no NaN: what was none is null.
        numbers = [
            float(v) if isinstance(v, int | float) and not isinstance(v, bool) else math.nan for v in values
        ]
        networks.setdefault(name, {})[part] = numbers[:MOST_EPOCHS]
    return [Curves(name, parts.get("train", []), parts.get("test", [])) for name, parts in networks.items()]


def without_curves(report: Report) -> Text:
    """Say why a report holds no curves; an empty mapping means that the model has no epochs."""
    return NO_EPOCHS if report.details.get("curves") == {} else NOT_RECORDED


def key_metrics(names: Sequence[str]) -> list[str]:
    """Return the metrics to show where there is room for few, the best known first."""
    known = [name for name in KEY if name in names]
    return (known or list(names))[:MOST_FIGURES]


def measured(report: Report) -> list[Measured]:
    """Return the key figures with their intervals, beside the baseline and what others report."""
    rows = []
    for name in key_metrics(list(report.metrics)):
        found = report.metrics[name]
        # The course's figure is what learners look for.
        rivals = sorted(report.reference.items(), key=lambda each: "course" not in each[0].casefold())
        others = [(report.baseline_name, report.baseline), *rivals]
        beside = [(who, float(what[name])) for who, what in others if name in what]
        rows.append(
            Measured(
                name=name, value=found.value, low=found.low, high=found.high, beside=beside[:MOST_BESIDE]
            )
        )
    return rows


def picture(subject: Subject, say: Say, *, dark: bool = True) -> Losses:
    """Return the picture for chat: the curves with what the doctor marks in them, and the key figures."""
    report = subject.report
    networks = curves_of(report)
    title = f"{subject.manifest.model} {subject.manifest.version}"
    if not networks:
        return Losses(
            title=title,
            notes=[say(without_curves(report))],
            figures=measured(report),
            dark=dark,
        )
    shown = networks[0]
    if shown.name:
        title = f"{title} · {shown.name}"
    return losses(title, shown, shown.findings(), say, figures=measured(report), dark=dark)


def losses(
    title: str,
    curves: Curves,
    findings: Sequence[Finding],
    say: Say,
    *,
    figures: Sequence[Measured] = (),
    dark: bool = True,
) -> Losses:
    """Return the picture of one network's curves, each finding marked at its epoch or named above."""
    parts = [(say(Text("training loss")), curves.train), (say(Text("test loss")), curves.test)]
    there = [(label, values) for label, values in parts if values]
    said = [say(KINDS[finding.kind]) for finding in findings]
    return Losses(
        title=title,
        labels=[label for label, _ in there],
        values=[list(values) for _, values in there],
        epoch_label=say(Text("epoch")),
        loss_label=say(Text("loss")),
        marks=[
            Mark(epoch=finding.epoch, label=label)
            for finding, label in zip(findings, said, strict=True)
            if finding.epoch is not None
        ],
        notes=[" · ".join(said) if said else say(NOTHING)],
        figures=list(figures),
        dark=dark,
    )
