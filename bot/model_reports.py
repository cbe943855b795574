"""/models report and /models compare: a training's report, two versions side by side, all models in a table."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from bot.cards import course_of, for_chat
from bot.model_versions import Common, Version, common_of, named, paired, rival_of
from bot.reports import read_subject, version_to_report
from shared.charts import Chart, Losses, Measured
from shared.command import command
from shared.context import Context
from shared.engine import Weights
from shared.errors import BadInput, HearthError
from shared.model import AnyModel, Interval
from shared.pictured import pictured
from shared.reply import Field, File, Picture, Reply, Tone, escape
from shared.store import Store
from shared.texts import Text, language_of
from shared.training_report import (
    MOST_FIGURES,
    NOTHING,
    Say,
    Subject,
    curves_of,
    key_metrics,
    picture,
    without_curves,
)
from shared.training_report_card import limits_of
from shared.training_report_html import gate_said, html

if TYPE_CHECKING:
    from bot.core import Core

COMPARED: Final = 4
"""Metrics of two versions that are shown."""
MOST_MODELS: Final = 25
LIMITS: Final = 900
"""Characters of a card's limits that are shown; the whole card is attached."""
LATEST: Final = 5
"""Versions that a card names; /models history shows more."""


def report_commands(core: "Core") -> tuple[Any, ...]:
    """Make the commands; they act on `core`."""

    @command(private=True)
    async def report(ctx: Context, model: str, version: str | None = None) -> Reply:
        """Read the report on a training: its loss curves, what they show, its figures

        model: its name, as in the list
        version: as /models history names it; the one that answers, or the newest, if left out
        """
        store, kind = core.weights.store, model_named(core, model)
        newest = None if version else await asyncio.to_thread(version_to_report, store, model)
        chosen = version or newest or ""
        subject = await asyncio.to_thread(read_subject, store, model, chosen, kind)
        say = speaker(ctx)
        networks = curves_of(subject.report)
        said = [
            f"{each.name}: {say(finding.said)}" if each.name else say(finding.said)
            for each in networks
            for finding in each.findings()
        ]
        if not said:
            said = [say(NOTHING if networks else without_curves(subject.report))]
        shown = picture(subject, say)
        alt = ctx.text("Loss curves and key figures of {name}", name=shown.title)
        language = "zh-Hant-TW" if language_of(ctx.asker.locale) == "zh_TW" else "en"
        page = await asyncio.to_thread(html, subject, say, language)
        gate = [gate_said(judged, say) for judged in subject.judgements[-1:]]
        return Reply(
            title=escape(ctx.text("Report on {model} {version}", model=model, version=chosen)),
            text="\n".join(
                [
                    *(escape(line) for line in gate),
                    ctx.text(
                        "The whole report is attached: a page to open in a browser, which loads nothing from "
                        "elsewhere."
                    ),
                ]
            ),
            fields=(
                Field(
                    ctx.text("What the curves show"), "\n".join(f"- {escape(s)}" for s in said), inline=False
                ),
                *(Field(escape(each.name), figure_said(each)) for each in shown.figures),
            ),
            pictures=await pictured(ctx, Chart(shown), alt, "report.png"),
            files=(File(f"{model}-{chosen}.html", page.encode()),),
            private=True,
        )

    @command(private=True)
    async def compare(
        ctx: Context, model: str | None = None, version: str | None = None, other: str | None = None
    ) -> Reply:
        """Compare two versions of a model, or see how good every model is

        model: its name, as in the list; every model in a table if left out
        version: as /models history names it, or default; the one that answers if left out
        other: the version to compare it with; the one that answers, or the one before, if left out
        """
        if model is None:
            return await overview(ctx, core)
        kind = model_named(core, model)
        one, against = await asyncio.to_thread(_two, core, kind, version, other)
        common = common_of(one, against)
        if common is not None and common.losses is not None:
            found = await ctx.labour(paired, common.losses)
            common = Common(common.rows, common.one, common.other, found)
        title = ctx.text("{model}: two versions side by side", model=model)
        return Reply(
            title=escape(title),
            text=_verdict(ctx, one, against, common),
            tone=_tone(common),
            fields=(
                *(Field(escape(each.name), _facts(ctx, each)) for each in (one, against)),
                *_figures(ctx, one, against, common),
            ),
            pictures=await _picture(ctx, title, one, against, common),
            private=True,
        )

    return report, compare


def model_named(core: "Core", model: str) -> AnyModel:
    """Return a model by its name. Raises `BadInput`, which names those there are."""
    known = core.plugins.models()
    if model not in known:
        there = ", ".join(sorted(known))
        raise BadInput(
            "There is no model named {name}; there are: {there}.", name=escape(model[:40]), there=there
        )
    return known[model]


def speaker(ctx: Context) -> Say:
    """Return what says a text in the asker's language."""

    def say(text: Text) -> str:
        return ctx.texts.render(text, ctx.asker.locale, ctx.plugin)

    return say


async def overview(ctx: Context, core: "Core") -> Reply:
    """Show every model: what it is, its best known figure beside the baseline and the course's."""
    fields, figures = [], []
    for name, model in sorted(core.plugins.models().items()):
        found = await asyncio.to_thread(core.weights.look, name)
        version = await asyncio.to_thread(_read, core.weights.store, model, found)
        # What only computes and draws has nothing to be good at.
        if version is None or not (version.card or version.manifest):
            continue
        first = version.card.partition("\n")[0].strip("# ")
        lines = [escape(first), f"-# {escape(found.version)}"]
        if known := version.figures:
            lines.insert(1, f"**{escape(known[0].name)}** {figure_said(known[0])}")
            figures.append(_renamed(known[0], f"{name} · {known[0].name}"))
        else:
            lines.insert(1, ctx.text("Its figures stand on its card: /models card."))
        if not _has_course(known) and (course := course_of(version.card)):
            lines.insert(2, ctx.text("The course: {said}", said=escape(course)))
        fields.append(Field(escape(name), "\n".join(lines), inline=False))
    return Reply(
        title=ctx.text("How good every model is"),
        text=ctx.text(
            "Each figure with its 95% interval, beside the simplest rival and the course's figure where there is "
            "one. Figures of different models are of different rows, and do not compare."
        ),
        fields=tuple(fields[:MOST_MODELS]),
        pictures=await _drawn(ctx, ctx.text("How good every model is"), figures[:12], "models.png"),
        private=True,
    )


async def shown_on_card(
    ctx: Context, core: "Core", model: str, version: Version
) -> tuple[tuple[Field, ...], tuple[Picture, ...]]:
    """Return what a card leaves out: facts and figures of the version that answers, its history, a picture."""
    fields = [Field(escape(version.name), _facts(ctx, version), inline=False)]
    figures = version.figures
    if version.report is not None:
        fields += [Field(escape(each.name), figure_said(each)) for each in figures]
    if limits := for_chat(limits_of(version.card)):
        fields.append(Field(ctx.text("Limits"), _cut(limits), inline=False))
    listing = await asyncio.to_thread(core.weights.store.listing, model)
    newest = list(reversed(listing.manifests))[:LATEST]
    lines = [f"{escape(each.version)} · <t:{int(each.created.timestamp())}:f>" for each in newest]
    if not lines:
        lines = [ctx.text("It has not been trained here yet.")]
    fields.append(Field(ctx.text("Versions trained here"), "\n".join(lines), inline=False))
    title = f"{model} {version.name}"
    if version.report is not None and version.manifest is not None:
        shown = picture(Subject(version.manifest, version.report), speaker(ctx))
        alt = ctx.text("Loss curves and key figures of {name}", name=title)
        return tuple(fields), await pictured(ctx, Chart(shown), alt, "card.png")
    few = [_renamed(each, each.name) for each in figures[:MOST_FIGURES]]
    return tuple(fields), await _drawn(ctx, title, few, "card.png")


def _cut(text: str) -> str:
    return text if len(text) <= LIMITS else text[:LIMITS].rpartition(" ")[0] + " …"


def figure_said(each: Measured) -> str:
    """Write a figure with its interval, beside what others reach."""
    beside = "".join(f"\n{escape(who)}: {value:.4g}" for who, value in each.beside)
    return f"{each.value:.4g} ({each.low:.4g} – {each.high:.4g}){beside}"


def _has_course(figures: Sequence[Measured]) -> bool:
    return any("course" in who.casefold() for each in figures[:1] for who, _ in each.beside)


def _renamed(each: Measured, name: str) -> Measured:
    return Measured(name=name, value=each.value, low=each.low, high=each.high, beside=each.beside[:2])


def _read(store: Store, model: AnyModel, weights: Weights) -> Version | None:
    try:
        return Version.read(store, model, weights)
    except HearthError:
        return None


def _two(core: "Core", model: AnyModel, version: str | None, other: str | None) -> tuple[Version, Version]:
    store, answering = core.weights.store, core.weights.look(model.name)
    first = version or answering.version
    second = other or rival_of(store, model, first, answering)
    if first == second:
        raise BadInput("Name two different versions; both are {version}.", version=escape(first))
    one, against = (
        Version.read(store, model, named(store, model, each, answering)) for each in (first, second)
    )
    return one, against


def _verdict(ctx: Context, one: Version, other: Version, common: Common | None) -> str:
    names = {"one": escape(one.name), "other": escape(other.name)}
    if common is None or common.difference is None:
        return ctx.text(
            "{one} and {other} were judged on different rows, so their figures do not compare: have the gate judge "
            "both on one file by `hearth models promote --data`.",
            **names,
        )
    found = common.difference
    values = {
        **names,
        "rows": common.rows,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
    }
    if found.high < 0:
        return ctx.text(
            "On {rows} rows that both were judged on {one} is better than {other}: its mean loss differs by "
            "{difference:+.4f} (95% interval {low:+.4f} to {high:+.4f}; below zero is better).",
            **values,
        )
    if found.low > 0:
        return ctx.text(
            "On {rows} rows that both were judged on {one} is worse than {other}: its mean loss differs by "
            "{difference:+.4f} (95% interval {low:+.4f} to {high:+.4f}; below zero is better).",
            **values,
        )
    return ctx.text(
        "On {rows} rows that both were judged on {one} and {other} cannot be told apart: the mean loss differs by "
        "{difference:+.4f} (95% interval {low:+.4f} to {high:+.4f}; below zero is better).",
        **values,
    )


def _tone(common: Common | None) -> Tone:
    if common is None or common.difference is None:
        return "neutral"
    if common.difference.high < 0:
        return "good"
    return "bad" if common.difference.low > 0 else "unsure"


def _facts(ctx: Context, version: Version) -> str:
    """Say when a version was made, from what, how large it is, and what the gate said."""
    manifest = version.manifest
    lines = []
    if manifest is None:
        where = {
            "hub": ctx.text("from the hub"),
            "default": ctx.text("ships with Hearth"),
        }
        lines.append(where.get(version.origin, ctx.text("has no weights")))
    else:
        lines.append(f"<t:{int(manifest.created.timestamp())}:f>")
        if manifest.data is not None:
            rows = ctx.text(
                "{rows} rows of {name}",
                rows=manifest.data.rows or "?",
                name=escape(manifest.data.name),
            )
            lines.append(f"{rows} · `{manifest.data.sha256[:12]}`")
        lines.append(ctx.text("licence of the data: {licence}", licence=escape(manifest.licence)))
    lines.append(ctx.text("size: {size:,.0f} kB", size=version.size / 1000))
    say = speaker(ctx)
    lines += [escape(gate_said(judged, say)) for judged in version.judgements[-1:]]
    return "\n".join(lines)


def _figures(ctx: Context, one: Version, other: Version, common: Common | None) -> list[Field]:
    fields = []
    for name, first, second in _pairs(one, other, common):
        lines = [
            f"{escape(who)}: {figure_said(each)}" if each is not None else f"{escape(who)}: –"
            for who, each in ((one.name, first), (other.name, second))
        ]
        fields.append(Field(escape(name), "\n".join(lines), inline=False))
    return fields


def _pairs(
    one: Version, other: Version, common: Common | None
) -> list[tuple[str, Measured | None, Measured | None]]:
    """Return each metric to show with what either reaches; on the same rows where there are such."""
    sides = [{each.name: each for each in version.figures} for version in (one, other)]
    if common is not None:
        sides = [
            {name: _measured(name, each, side) for name, each in metrics.items()}
            for metrics, side in zip((common.one, common.other), sides, strict=True)
        ]
    names = key_metrics(list(dict.fromkeys([*sides[0], *sides[1]])))[:COMPARED]
    return [(name, sides[0].get(name), sides[1].get(name)) for name in names]


def _measured(name: str, each: Interval, known: dict[str, Measured]) -> Measured:
    beside = known[name].beside if name in known else []
    return Measured(name=name, value=each.value, low=each.low, high=each.high, beside=beside)


async def _picture(
    ctx: Context, title: str, one: Version, other: Version, common: Common | None
) -> tuple[Picture, ...]:
    figures = [
        _renamed(each, f"{name} · {who}")
        for name, first, second in _pairs(one, other, common)
        for who, each in ((one.name, first), (other.name, second))
        if each is not None
    ]
    return await _drawn(ctx, title, figures, "compare.png")


async def _drawn(ctx: Context, title: str, figures: Sequence[Measured], name: str) -> tuple[Picture, ...]:
    if not figures:
        return ()
    alt = ctx.text("Figures with their intervals: {said}", said="; ".join(
        f"{each.name} {each.value:.4g} ({each.low:.4g} – {each.high:.4g})" for each in figures
    ))  # fmt: skip
    return await pictured(ctx, Chart(Losses(title=title, figures=list(figures))), alt, name)
