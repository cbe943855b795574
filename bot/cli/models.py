"""`hearth models`: what is trained, how good it is, and which version answers."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
import typer
from rich.markdown import Markdown
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.cards import card_text
from bot.cli.output import clean_stdout, console, figures, number
from bot.reports import read_subject, version_to_report, write_page, write_picture
from bot.trainer import train as train_model
from shared import logs
from shared.charts import ConfusionMatrix, Reliability
from shared.device import choose_device, limit_threads
from shared.engine import Weights
from shared.errors import BadInput, HearthError, ModelFailed, Refusal
from shared.manifest import Manifest, Outcome
from shared.model import AnyModel, Device, Part, Report, Trainable
from shared.plugins import Plugins
from shared.promotion import Gate, said
from shared.settings import Settings
from shared.store import Store
from shared.weights import resolve, shipped

app = typer.Typer(help="Train, judge and choose the versions of models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="MODEL", help="A model, such as spam.")]
Data = Annotated[
    Path, typer.Option("--data", metavar="FILE", help="A data file or folder; its columns: see the card.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@dataclass(frozen=True)
class Known:
    """The models of this installation, and their store."""

    settings: Settings
    models: dict[str, AnyModel]
    quarantined: tuple[str, ...]
    store: Store

    @classmethod
    def find(cls) -> Self:
        """Load the settings and the plugins."""
        settings = Settings()
        logs.configure("warning", settings.log_format, secrets=[])
        plugins = Plugins.discover(settings.plugin_folders, settings.disabled_plugins)
        return cls(settings, plugins.models(), tuple(plugins.quarantined), Store(settings.models_dir))

    def model(self, name: str) -> AnyModel:
        """Return a model class. Raises `Refusal` that names those there are."""
        if name in self.models:
            return self.models[name]
        there = ", ".join(sorted(self.models)) or "none"
        broken = f" Set aside as broken: {', '.join(self.quarantined)}." if self.quarantined else ""
        raise Refusal(
            "There is no model {name!r}. There are: {there}.{broken}", name=name, there=there, broken=broken
        )

    def trainable(self, name: str) -> type[Trainable[Any, Any]]:
        """Return a model class that can be trained and evaluated. Raises `Refusal`."""
        found: Any = self.model(name)
        if not (hasattr(found, "train") and hasattr(found, "evaluate")):
            raise Refusal("{name} can be neither trained nor evaluated.", name=name)
        return found  # type: ignore[no-any-return]

    def hub(self, name: str) -> str | None:
        """Return the hub model set for a model."""
        return self.settings.hub.get(name)

    def weights(self, name: str, version: str | None = None) -> Weights:
        """Return the weights that answer, or those of a version ("default": those that ship)."""
        model = self.model(name)
        if version is None:
            return resolve(model, self.store, self.hub(name))
        if version == "default":
            return shipped(model)
        return Weights(folder=str(self.store.open(name, version)), version=version, origin="store")

    @property
    def device(self) -> Device:
        """Where models are judged here; numeric libraries that are imported after this keep to its threads."""
        device = choose_device(self.settings.device, self.settings.threads)
        limit_threads(device.threads)
        return device


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models, which version of each answers, and how good it is."""
    known = Known.find()
    rows = [_row(known, name) for name in sorted(known.models)]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("model", "answers", "versions", "trained", "figures")
    for row in rows:
        shown = ", ".join(f"{k} {number(v)}" for k, v in list(row["metrics"].items())[:3])
        table.add_row(row["model"], row["version"], str(row["versions"]), row["created"] or "–", shown or "–")
    out = console()
    out.print(table)
    for row in rows:
        for version, fault in row["damaged"].items():
            out.print(escape(f"damaged: {row['model']} {version}: {fault}"))


def _row(known: Known, name: str) -> dict[str, Any]:
    listing = known.store.listing(name)
    damaged = dict(listing.damaged)
    try:
        champion = known.store.champion(name)
    except HearthError as error:
        champion, damaged["champion"] = None, str(error)
    manifest = next((m for m in listing.manifests if m.version == champion), None)
    fallback = known.hub(name) or shipped(known.models[name]).version
    return {
        "model": name,
        "version": champion or fallback,
        "versions": len(listing.manifests) + len(listing.damaged),
        "created": manifest.created.isoformat(timespec="seconds") if manifest else None,
        "metrics": {k: v.value for k, v in manifest.metrics.items()} if manifest else {},
        "damaged": damaged,
    }


@app.command()
def card(name: Name) -> None:
    """Print a model's card, the facts of the version that answers, and its history."""
    known = Known.find()
    model, weights = known.model(name), known.weights(name)
    out = console()
    if text := card_text(model, weights):
        # As written where it goes to a file; laid out on a terminal.
        out.print(Markdown(text)) if out.is_terminal else typer.echo(text.rstrip() + "\n")
    out.print(escape(f"{name} {weights.version} ({weights.origin})"))
    if weights.origin == "store":
        out.print(_facts(known.store.manifest(name, weights.version)))
    if columns := getattr(model, "data_columns", None):
        out.print("Data columns: " + escape("; ".join(f"{k} ({v})" for k, v in columns.items())))
    _print_history(known.store, name)


def _facts(manifest: Manifest) -> Table:
    table = Table(show_header=False)
    data = manifest.data
    rows: dict[str, str] = {
        "trained": manifest.created.isoformat(timespec="seconds"),
        "data": f"{data.name}, {data.rows} rows, sha256 {data.sha256[:16]}…" if data else "–",
        "licence of the data": manifest.licence,
        "code": manifest.code,
        "parent": manifest.parent or "–",
        "held-out rows": str(manifest.n),
    }
    for name, found in manifest.metrics.items():
        beside = manifest.baseline.get(name)
        rows[name] = f"{number(found.value)} ({number(found.low)} – {number(found.high)})" + (
            f"; {manifest.baseline_name} {number(beside)}" if beside is not None else ""
        )
    for key, value in rows.items():
        table.add_row(key, escape(value))
    return table


def _print_history(store: Store, name: str) -> None:
    out = console()
    for version in store.versions(name):
        try:
            for judged in store.judgements(name, version):
                verdict = "passed" if judged.passed else "kept as challenger"
                out.print(escape(f"{judged.at:%Y-%m-%d %H:%M} {version} {verdict}: {said(judged)}"))
        except HearthError as error:
            out.print(escape(f"damaged: {version}: {error}"))
    try:
        changes = store.pointer(name).changes
    except HearthError as error:
        out.print(escape(f"damaged: {error}"))
        return
    for change in changes:
        swap = f"{change.before or 'default'} → {change.version or 'default'}"
        line = f"{change.at:%Y-%m-%d %H:%M} {change.action}: {swap}"
        out.print(escape(line + (f" ({change.note})" if change.note else "")))


@app.command()
def evaluate(
    name: Name,
    data: Data,
    part: Annotated[
        Part, typer.Option(help="All rows, or only those that training on this file never sees.")
    ] = "all",
    version: Annotated[
        str | None, typer.Option(help="A version, or `default`; else the one that answers.")
    ] = None,
    as_json: AsJson = False,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder to draw pictures into.")
    ] = None,
) -> None:
    """Judge a model on a data file: each metric with its interval, beside the baseline."""
    known = Known.find()
    model = known.trainable(name)
    _must_exist(data)
    with clean_stdout(), _blaming(name):
        weights = known.weights(name, version)
        loaded = model.load(Path(weights.folder) if weights.folder else None, known.device)
        report = loaded.evaluate(data, part)
        drawn = _draw(report, f"{name} {weights.version}", pictures) if pictures else []
    if as_json:
        typer.echo(_as_json(name, weights.version, report))
        return
    out = console()
    out.print(figures(report, f"{name} {weights.version} on {data.name}"))
    for path in drawn:
        out.print(escape(str(path)), soft_wrap=True)


def _as_json(name: str, version: str, report: Report) -> str:
    content = {
        "model": name,
        "version": version,
        "n": report.n,
        "metrics": report.metrics,
        "baseline": report.baseline,
        "reference": report.reference,
    }
    return msgspec.json.encode(content).decode()


def _draw(report: Report, title: str, folder: Path) -> list[Path]:
    from shared.drawing import draw

    charts: dict[str, ConfusionMatrix | Reliability] = {}
    if report.confusion:
        charts["confusion.png"] = ConfusionMatrix(title=title, labels=report.labels, counts=report.confusion)
    if report.reliability:
        charts["reliability.png"] = Reliability(title=title, bins=report.reliability)
    folder.mkdir(parents=True, exist_ok=True)
    for name, chart in charts.items():
        (folder / name).write_bytes(draw(chart).png)
    return [folder / name for name in charts]


@app.command()
def train(
    name: Name,
    data: Data,
    promote: Annotated[
        bool, typer.Option(help="Let it answer where it is not worse than what answers now.")
    ] = True,
    licence: Annotated[str, typer.Option(help="Licence of the data, for the manifest.")] = "not stated",
) -> None:
    """Train a new version, compare it with the one that answers, and promote it where it is not worse."""
    asyncio.run(train_and_print(Known.find(), name, data, promote=promote, licence=licence))


async def train_and_print(
    known: Known, name: str, data: Path, *, promote: bool = True, licence: str = "not stated"
) -> None:
    """Train a version, let it through the gate or not, and print what came of it."""
    model = known.trainable(name)
    _must_exist(data)
    outcome = await _train(known, model, data, promote, licence)
    out = console()
    out.print(figures(outcome.report, f"{name} {outcome.version}, held-out part of {data.name}"))
    match outcome.judgement:
        case None:
            line = f"Kept as challenger, as asked: {outcome.version}."
        case judged if judged.passed:
            line = f"Promoted: {outcome.version} answers now; {said(judged)}."
        case judged:
            line = f"Kept as challenger: {outcome.version} {said(judged)}."
    out.print(escape(line), soft_wrap=True)
    page = known.settings.data_dir / "reports" / f"{name}-{outcome.version}.html"
    try:
        told = f"Report: {write_page(read_subject(known.store, name, outcome.version, model), page)}"
    # The version is trained and stored, whatever becomes of what is written about it.
    except HearthError as error:
        told = f"No report was written: {error}"
    out.print(escape(told), soft_wrap=True)


@app.command()
def report(
    name: Name,
    version: Annotated[
        str | None, typer.Option(help="A version; else the one that answers, or the newest.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the page; else among the data.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw curves and key figures into a picture, too.")
    ] = None,
) -> None:
    """Write the report on a version again: data, figures, loss curves and what they show, limits, history."""
    known = Known.find()
    model = known.model(name)
    chosen = version or version_to_report(known.store, name)
    subject = read_subject(known.store, name, chosen, model)
    pages = [write_page(subject, out or known.settings.data_dir / "reports" / f"{name}-{chosen}.html")]
    if png is not None:
        pages.append(write_picture(subject, png))
    for path in pages:
        typer.echo(path)


async def _train(
    known: Known, model: type[Trainable[Any, Any]], data: Path, promote: bool, licence: str
) -> Outcome:
    from rich.console import Console

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def show(done: float, note: str = "") -> None:
            bar.update(task, completed=done, description=escape(note))

        return await train_model(
            f"{model.__module__}:{model.__qualname__}",
            data,
            known.store,
            show,
            hub=known.hub(model.name),
            promote=promote,
            licence=licence,
            device=known.settings.device,
            threads=known.settings.threads,
        )


@app.command()
def promote(
    name: Name,
    version: Annotated[str, typer.Argument(help="One of the versions in the store.")],
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Compare the two on this file first.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Promote it though it is worse, or was not compared.")
    ] = False,
) -> None:
    """Let a version answer. Without --force only where it was found not worse than what answers now."""
    known = Known.find()
    known.model(name)
    if force:
        known.store.promote(name, version, note="forced")
    elif data is not None:
        _must_exist(data)
        with clean_stdout(), _blaming(name):
            gate = Gate(known.trainable(name), known.store, data, known.device, known.hub(name))
            judged = gate.admit(version)
        if not judged.passed:
            raise Refusal("Not promoted: {version} {said}.", version=version, said=said(judged))
    else:
        _was_found_not_worse(known, name, version)
        known.store.promote(name, version)
    typer.echo(f"{name}: {version} answers now.")


def _was_found_not_worse(known: Known, name: str, version: str) -> None:
    now = known.weights(name)
    judged = [j for j in known.store.judgements(name, version) if j.against in (now.version, None)]
    if (
        now.version == version
        or now.origin == "none"
        or (judged and judged[-1].passed and judged[-1].against)
    ):
        return
    if judged and judged[-1].against:
        raise Refusal(
            "{version} {said}. Promote it all the same with --force.", version=version, said=said(judged[-1])
        )
    raise Refusal(
        "{version} was not compared with {now}, which answers now: give --data FILE to compare them, or --force.",
        version=version,
        now=now.version,
    )


@app.command()
def rollback(name: Name) -> None:
    """Go back to the version that answered before."""
    known = Known.find()
    known.model(name)
    before = known.store.champion(name)
    known.store.rollback(name)
    now = known.weights(name)
    typer.echo(f"{name}: {now.version} ({now.origin}) answers now instead of {before}.")


@contextlib.contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Say in one line what a model's own code raised."""
    try:
        yield
    except HearthError:
        raise
    except Exception as error:
        raise ModelFailed(
            "{model} failed: {kind}: {reason}", model=name, kind=type(error).__name__, reason=error
        ) from error


def _must_exist(data: Path) -> None:
    if not data.exists():
        raise BadInput("There is no file {file}.", file=data)
