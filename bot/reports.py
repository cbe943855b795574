"""Reports on trainings: read from the model store, written as a page or a picture."""

from pathlib import Path

from bot.cards import card_text
from shared.durable import write_file
from shared.engine import Weights
from shared.errors import BadInput, HearthError, Refusal
from shared.model import AnyModel
from shared.store import Store
from shared.training_report import Subject, picture
from shared.training_report_html import html


def version_to_report(store: Store, name: str) -> str:
    """Return the champion, else the newest version that is whole. Raises `Refusal` where there is none."""
    try:
        champion = store.champion(name)
    except HearthError:
        champion = None
    listing = store.listing(name)
    there = [manifest.version for manifest in listing.manifests]
    if champion in there:
        return str(champion)
    if not there:
        raise Refusal(
            "{model} has not been trained here yet, so there is no training to report on.", model=name
        )
    return there[-1]


def read_subject(store: Store, name: str, version: str, model: AnyModel) -> Subject:
    """Read all that the store has of a version. Raises `UnknownVersion` or `Damaged`."""
    manifest, report = store.manifest(name, version), store.report(name, version)
    folder = store.root / name / version
    try:
        changes = store.pointer(name).changes
    except HearthError:
        changes = []
    card = card_text(model, Weights(folder=str(folder), version=version, origin="store"))
    return Subject(manifest, report, store.judgements(name, version), changes, card)


def write_page(subject: Subject, path: Path) -> Path:
    """Write the report as a page. Raises `BadInput` where that cannot be done."""
    return _write(path, html(subject).encode())


def write_picture(subject: Subject, path: Path) -> Path:
    """Draw curves and key figures into a PNG; never in the bot. Raises `BadInput` where that cannot be written."""
    from shared.drawing import draw

    return _write(path, draw(picture(subject, str, dark=False)).png)


def _write(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content, path.with_name(f".{path.name}.part"))
    except OSError as error:
        raise BadInput("{path} cannot be written: {reason}", path=path, reason=error) from None
    return path
