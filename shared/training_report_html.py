"""The report on a training as one page: no script, nothing from elsewhere; readable from a file, dark or light."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from shared.curve_doctor import Finding
from shared.manifest import Judgement
from shared.texts import Text
from shared.training_report import (
    NOTHING,
    Say,
    Subject,
    curves_of,
    without_curves,
)
from shared.training_report_card import card_html, limits_of
from shared.training_report_svg import loss_svg, reliability_svg

MOST_LABELS: Final = 60
MOST_DETAILS: Final = 40
STYLE: Final = """
:root { color-scheme: light dark; --ground: #fff; --ink: #20222a; --faint: #5d616d; --line: #d9dce3; --panel: #f5f6f8;
 --warm: #b85200; --cool: #1367ad; --good: 24 110 196; --bad: 214 98 10 }
@media (prefers-color-scheme: dark) { :root { --ground: #1e1f24; --ink: #f2f0ec; --faint: #a8aab4; --line: #3e404a;
 --panel: #292a31; --warm: #f0a050; --cool: #6ab2f5; --good: 74 158 240; --bad: 240 138 48 } }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
 font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.7rem; margin: 0 } h2 { margin: 2.2rem 0 .6rem; font-size: 1.25rem }
.faint, figcaption, caption { color: var(--faint) }
.wide { overflow-x: auto }
table { border-collapse: collapse } th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line);
 text-align: left; vertical-align: top } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
 white-space: nowrap }
svg { width: 100%; max-width: 48rem; height: auto; background: var(--panel); border-radius: .5rem }
.square svg { max-width: 26rem }
svg text { font: 14px system-ui, sans-serif; fill: var(--ink) }
.grid { stroke: var(--line) } .curve { fill: none; stroke-width: 2.5; stroke-linejoin: round }
.c0 { stroke: var(--warm) } .c1 { stroke: var(--cool); stroke-dasharray: 7 3 }
.mark { stroke: var(--faint); stroke-width: 1.5; stroke-dasharray: 5 4 } .point { fill: var(--warm) }
.confusion td, .confusion th { text-align: center; border: 1px solid var(--ground) }
.right { background: rgb(var(--good) / var(--share)) } .wrong { background: rgb(var(--bad) / var(--share)) }
li { margin: .3rem 0 } figure { margin: 0 } details { margin-top: 2rem } summary { cursor: pointer; font-weight: 600 }
code { background: var(--panel); padding: 0 .2rem }
"""


def html(subject: Subject, say: Say = str, language: str = "en") -> str:
    """Return the page about a version, in the language that `say` speaks; every word from outside is escaped."""
    manifest = subject.manifest
    name = escape(f"{manifest.model} {manifest.version}")
    parts = [
        f'<!DOCTYPE html><html lang="{escape(language)}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{name}</title><style>{STYLE}</style></head><body>",
        f"<header><h1>{name}</h1><p>{escape(_headline(subject, say))}</p></header><main>",
    ]
    for title, body in (
        (Text("What it learned from"), _data(subject, say)),
        (Text("How good it is"), _metrics(subject, say)),
        (Text("Loss curves"), _curves(subject, say)),
        (Text("What is taken for what"), _confusion(subject, say)),
        (Text("Calibration"), _calibration(subject, say)),
        (Text("Limits"), _limits(subject, say)),
        (Text("The gate, and what came after"), _history(subject, say)),
    ):
        parts.append(f"<section><h2>{escape(say(title))}</h2>{body}</section>")
    if subject.card:
        summary = escape(say(Text("The card of the model")))
        parts.append(
            f'<details><summary>{summary}</summary><div class="wide">{card_html(subject.card)}</div></details>'
        )
    parts.append("</main></body></html>\n")
    return "".join(parts)


def _headline(subject: Subject, say: Say) -> str:
    manifest = subject.manifest
    made = say(Text("Trained {when:%Y-%m-%d %H:%M} UTC.", {"when": manifest.created}))
    if not subject.judgements:
        return made
    return f"{made} {gate_said(subject.judgements[-1], say)}"


def gate_said(judgement: Judgement, say: Say) -> str:
    """Say in a sentence what the gate found."""
    if judgement.difference is None:
        reason = {"reason": judgement.reason}
        if judgement.passed:
            return say(Text("The gate let it through: {reason}.", reason))
        return say(Text("The gate kept it back: {reason}.", reason))
    values = {
        "against": judgement.against or "–",
        "rows": judgement.rows,
        "difference": judgement.difference,
        "low": judgement.low,
        "high": judgement.high,
    }
    if judgement.passed:
        return say(
            Text(
                "The gate let it through: on {rows} held-out rows its mean loss differs from that of {against} by "
                "{difference:+.4f} (95% interval {low:+.4f} to {high:+.4f}; below zero is better).",
                values,
            )
        )
    return say(
        Text(
            "The gate kept it back: on {rows} held-out rows its mean loss differs from that of {against} by "
            "{difference:+.4f} (95% interval {low:+.4f} to {high:+.4f}; below zero is better).",
            values,
        )
    )


def _data(subject: Subject, say: Say) -> str:
    manifest, details = subject.manifest, subject.report.details
    data = manifest.data
    rows = [
        (say(Text("data")), data.name if data else "–"),
        (say(Text("rows")), f"{data.rows:,}" if data and data.rows is not None else "–"),
        ("sha256", data.sha256 if data else "–"),
        (say(Text("licence of the data")), manifest.licence),
        (say(Text("held-out rows")), f"{manifest.n:,}"),
        (say(Text("labels")), ", ".join(subject.report.labels[:MOST_LABELS]) or "–"),
        (say(Text("code")), manifest.code),
        (say(Text("version that answered before")), manifest.parent or "–"),
        (say(Text("files")), f"{len(manifest.files):,}"),
    ]
    return _pairs([*rows, *_plain(details)])


def _plain(details: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the details that are a word, a number, or a mapping of such."""
    found = []
    for key, value in details.items():
        if isinstance(value, str | int | float) and len(str(value)) <= 300:
            found.append((key.replace("_", " "), _written(value)))
        elif (
            isinstance(value, dict)
            and 0 < len(value) <= 12
            and all(isinstance(v, str | int | float) and len(str(v)) <= 100 for v in value.values())
        ):
            found.append((key.replace("_", " "), ", ".join(f"{k}: {_written(v)}" for k, v in value.items())))
    return found[:MOST_DETAILS]


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else number(value)


def _metrics(subject: Subject, say: Say) -> str:
    report = subject.report
    head = [
        say(Text("metric")),
        say(Text("value")),
        say(Text("95% interval")),
        report.baseline_name or say(Text("baseline")),
        *report.reference,
    ]
    rows = []
    for name, found in report.metrics.items():
        others = [report.baseline.get(name), *(each.get(name) for each in report.reference.values())]
        rows.append(
            [name, number(found.value), f"{number(found.low)} – {number(found.high)}", *map(number, others)]
        )
    said = say(Text("On {count} rows that the training never saw.", {"count": report.n}))
    return f"<p>{escape(said)}</p>{_table(head, rows)}"


def _curves(subject: Subject, say: Say) -> str:
    networks = curves_of(subject.report)
    if not networks:
        return f"<p>{escape(say(without_curves(subject.report)))}</p>"
    parts = []
    for each in networks:
        found = each.findings()
        if each.name:
            parts.append(f"<h3>{escape(each.name)}</h3>")
        parts.append(f"<figure>{loss_svg(each, found, say)}</figure>{findings_html(found, say)}")
    if note := subject.report.details.get("curves_note"):
        parts.append(f'<p class="faint">{escape(str(note)[:500])}</p>')
    return "".join(parts)


def findings_html(findings: Sequence[Finding], say: Say) -> str:
    """Return the findings as a list, or that there is nothing to report."""
    if not findings:
        return f"<p>{escape(say(NOTHING))}</p>"
    items = (f'<li data-finding="{finding.kind}">{escape(say(finding.said))}</li>' for finding in findings)
    return f"<ul>{''.join(items)}</ul>"


def _confusion(subject: Subject, say: Say) -> str:
    labels, counts = subject.report.labels, subject.report.confusion
    if not counts:
        return f"<p>{escape(say(Text('This model does not choose among labels.')))}</p>"
    if len(labels) > MOST_LABELS or [len(row) for row in counts] != [len(labels)] * len(labels):
        return f"<p>{escape(say(Text('There are too many labels to show.')))}</p>"
    truth, guess = say(Text("truth")), say(Text("prediction"))
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    written = [f'<tr><th scope="col">{escape(truth)} ↓ {escape(guess)} →</th>{head}</tr>']
    for at, row in enumerate(counts):
        whole = sum(row)
        cells = []
        for place, count in enumerate(row):
            share = 0.1 + 0.5 * math.sqrt(count / whole) if count and whole else 0
            kind = "right" if place == at else "wrong"
            cells.append(f'<td class="{kind}" style="--share: {share:.2f}">{count:,}</td>')
        written.append(f'<tr><th scope="row">{escape(labels[at])}</th>{"".join(cells)}</tr>')
    return f'<div class="wide"><table class="confusion">{"".join(written)}</table></div>'


def _calibration(subject: Subject, say: Say) -> str:
    if not subject.report.reliability:
        return f"<p>{escape(say(Text('This model gives no probabilities that could be checked.')))}</p>"
    figure = f'<figure class="square">{reliability_svg(subject.report.reliability, say)}</figure>'
    error = subject.report.details.get("calibration_error")
    if not isinstance(error, int | float):
        return figure
    said = say(Text("Expected calibration error over ten bins: {error:.4f}.", {"error": error}))
    return f"{figure}<p>{escape(said)}</p>"


def _limits(subject: Subject, say: Say) -> str:
    told = say(
        Text(
            "The figures hold for rows like those of {data}. For other ones the model may be worse, and its "
            "probabilities off.",
            {"data": subject.manifest.data.name if subject.manifest.data else "–"},
        )
    )
    few = ""
    if subject.report.n < 200:
        said = say(Text("{count} held-out rows are few: look at the intervals.", {"count": subject.report.n}))
        few = f"<p>{escape(said)}</p>"
    return f"<p>{escape(told)}</p>{few}{card_html(limits_of(subject.card))}"


def _history(subject: Subject, say: Say) -> str:
    version = subject.manifest.version
    lines = [f"{judged.at:%Y-%m-%d %H:%M} · {gate_said(judged, say)}" for judged in subject.judgements]
    for change in subject.changes:
        if version not in (change.version, change.before):
            continue
        values = {
            "when": change.at,
            "before": change.before or "default",
            "after": change.version or "default",
            "note": change.note,
        }
        if change.action == "promote":
            said = Text("{when:%Y-%m-%d %H:%M} · promoted: {before} → {after}. {note}", values)
        else:
            said = Text("{when:%Y-%m-%d %H:%M} · rolled back: {before} → {after}. {note}", values)
        lines.append(say(said).strip())
    if not lines:
        return f"<p>{escape(say(Text('The gate was not asked, and nothing came after.')))}</p>"
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    written = (f'<tr><th scope="row">{escape(key)}</th><td>{escape(value)}</td></tr>' for key, value in rows)
    return f'<div class="wide"><table>{"".join(written)}</table></div>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    columns = "".join(
        f'<th scope="col"{"" if at == 0 else _NUMBER}>{escape(cell)}</th>' for at, cell in enumerate(head)
    )
    written = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{_NUMBER}>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{columns}</tr>{written}</table></div>'


_NUMBER: Final = ' class="number"'


def number(value: float | None) -> str:
    """Write a figure with four digits that count; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"
