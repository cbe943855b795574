"""Trains the sentiment model: an ensemble for each language that the file has enough of, or a transformer.

Near-duplicates lie on one side of the split. For a language that the file has too few rows of, the new version takes
over what ships, and the report says so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from plugins.sentiment.data import LABELS, Reviews, read_reviews
from plugins.sentiment.ensemble import Ensemble, Part
from plugins.sentiment.fitting import PLANS, Plan, fit_part
from plugins.sentiment.judging import HOLDOUT, judge
from plugins.sentiment.model import SentimentModel
from plugins.sentiment.reading import EnsembleReader
from plugins.sentiment.settings import from_environment
from shared.device import choose_device
from shared.encoder import SentenceEncoder
from shared.errors import BadInput, ModelUnavailable
from shared.language import Language
from shared.model import Progress, Report
from shared.splits import group_near_duplicates, holdout

FEWEST: Final = 100
"""Groups of near-duplicates that each label needs in the training part of a language."""
FEWEST_JUDGED: Final = 20


def train(data: Path, folder: Path, progress: Progress, plans: Mapping[Language, Plan] = PLANS) -> Report:
    """Fit on the training part of `data`, write weights to `folder`, report on the held-out part."""
    progress(0.0, "reading")
    rows = read_reviews(data)
    progress(0.02, "looking for near-duplicates")
    groups = group_near_duplicates(rows.texts)
    out = holdout(rows.texts, HOLDOUT, groups)
    fit, held = rows.part(out, False), rows.part(out, True)
    fit_groups = [group for group, each in zip(groups, out, strict=True) if not each]
    languages = [name for name in plans if _suffices(fit.of(name), _of(fit, fit_groups, name))]
    if not languages or len(set(held.positive)) < 2 or len(held.texts) < FEWEST_JUDGED:
        raise BadInput("{path} has too few reviews to train and to judge on.", path=data)
    details: dict[str, Any] = {
        "rows": {"training": len(fit.texts), "held out": len(held.texts)},
        "split": "near-duplicates on one side, the side by a hash of their content",
    }
    if (base := from_environment().base) is not None:
        return _fine_tuned(base, fit, held, folder, progress, details)

    encode = SentenceEncoder.load(choose_device()).encode
    parts: dict[Language, Part] = {}
    for at, name in enumerate(languages):
        start, share = 0.05 + 0.9 * at / len(languages), 0.9 / len(languages)

        def step(
            done: float, note: str = "", start: float = start, share: float = share, name: str = name
        ) -> None:
            progress(start + share * done, f"{name}: {note}")

        parts[name], details[name] = fit_part(
            fit.of(name), _of(fit, fit_groups, name), name, plans[name], step, encode
        )
    # N-grams are weighed as a whole; only the network over sentences has epochs.
    details["curves"] = {
        (key if len(languages) == 1 else f"{name} {key}"): losses
        for name in languages
        for key, losses in details[name].pop("curves").items()
    }
    details["curves_note"] = (
        "the network over sentences; the test loss is that of the training rows that calibrate, before it is fitted "
        "on all of them"
    )
    parts, details["taken over from what ships"] = _completed(parts, plans)
    ensemble = Ensemble(parts)
    ensemble.write(folder)
    progress(0.96, "judging")
    # What was written has fewer bits than what was fitted.
    report = judge(SentimentModel(EnsembleReader.load(folder, choose_device())), held, details)
    progress(1.0, "done")
    return report


def _completed(
    parts: dict[Language, Part], plans: Mapping[Language, Plan]
) -> tuple[dict[Language, Part], list[str]]:
    """Take over the parts that ship for the languages that are not there."""
    missing = [name for name in plans if name not in parts]
    if not missing or SentimentModel.default is None:
        return parts, []
    try:
        shipped = Ensemble.read(SentimentModel.default).parts
    except ModelUnavailable:
        return parts, []
    taken = [name for name in missing if name in shipped]
    return parts | {name: shipped[name] for name in taken}, [str(name) for name in taken]


def _fine_tuned(
    base: str, fit: Reviews, held: Reviews, folder: Path, progress: Progress, details: dict[str, Any]
) -> Report:
    """Fine-tune a transformer instead; all languages of the file together."""
    from plugins.sentiment.transformed import TransformerReader
    from shared.finetune import fine_tune_classifier
    from shared.weights import base_folder

    device = choose_device()
    progress(0.05, "fetching the base")
    start = base_folder(base, folder.parent.parent / ".hub")
    curves: dict[str, list[float]] = {}
    fine_tune_classifier(
        start,
        fit.texts,
        [int(each) for each in fit.positive],
        LABELS,
        folder,
        lambda done, note="": progress(0.1 + 0.8 * done, note),
        device,
        curves=curves,
    )
    progress(0.92, "judging")
    report = judge(
        SentimentModel(TransformerReader.load(folder, device)),
        held,
        {**details, "base": base, "curves": curves},
    )
    progress(1.0, "done")
    return report


def _of(rows: Reviews, groups: list[int], language: Language) -> list[int]:
    return [group for group, each in zip(groups, rows.languages, strict=True) if each == language]


def _suffices(rows: Reviews, groups: list[int]) -> bool:
    return all(
        len({group for group, positive in zip(groups, rows.positive, strict=True) if positive is label})
        >= FEWEST
        for label in (False, True)
    )
