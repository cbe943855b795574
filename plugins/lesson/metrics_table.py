"""Reads truth, prediction and score from a table that people sent: which columns, which labels, counted against
each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.columns import column_named, listed
from shared.errors import BadInput
from shared.inputs import Table

# fmt: off
TRUTH: Final = (
    "truth", "true", "y_true", "ground_truth", "target", "actual", "label", "gold", "answer", "class", "y",
    "真實", "真實值", "真值", "標籤", "答案", "實際", "真实", "标签", "实际",
)
PREDICTION: Final = (
    "prediction", "predicted", "pred", "y_pred", "predict", "output", "guess",
    "預測", "預測值", "預測結果", "预测", "预测值", "预测结果",
)
SCORE: Final = ("score", "probability", "prob", "proba", "p", "y_score", "y_prob", "分數", "機率", "分数", "概率")
POSITIVE: Final = ("1", "yes", "true", "positive", "pos", "y", "t", "spam", "是", "真", "有", "陽性", "阳性", "正")
# fmt: on
"""Names by which a column, or the label that is to be found, is known without being told."""
MOST_LABELS: Final = 20
MOST_SCORES: Final = 20_000
"""Rows with scores: so many are drawn a thousand times within a second."""
HALF: Final = 0.5


@dataclass(frozen=True)
class Judged:
    """Counts of truth (rows) against prediction (columns); `positive` is the label to be found, None of many.

    `score` (a number a row, with `is_positive`) is empty where there is none. `threshold` is where predictions were
    made from scores. `columns` names what was read.
    """

    labels: tuple[str, ...]
    counts: list[list[int]]
    positive: int | None
    columns: tuple[str, ...] = ()
    score: tuple[float, ...] = ()
    is_positive: tuple[bool, ...] = ()
    threshold: float | None = None
    score_unused: bool = False


def judged(
    table: Table,
    truth: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    positive: str | None = None,
) -> Judged:
    """Count a table. Columns are named, or given by position from 1, or found. Raises `BadInput`."""
    at_truth, at_prediction, at_score = _columns(table, truth, prediction, score)
    true = _labels(table, at_truth)
    scores = _scores(table, at_score) if at_score is not None else ()
    if at_prediction is None:
        return _from_scores(table, at_truth, at_score, true, scores, positive)
    said = _labels(table, at_prediction)
    written = _written([(table, at_truth), (table, at_prediction)])
    keys = _ordered({*true, *said})
    if len(keys) > MOST_LABELS:
        raise BadInput(
            "The columns {truth} and {prediction} hold {count} different labels; at most {most} can be told apart. "
            "If one holds numbers such as probabilities, name it with the option score.",
            truth=table.columns[at_truth][:40], prediction=table.columns[at_prediction][:40],
            count=len(keys), most=MOST_LABELS,
        )  # fmt: skip
    columns = tuple(table.columns[at] for at in (at_truth, at_prediction, at_score) if at is not None)
    yes = _positive(keys, true, positive, written)
    if yes is None:
        return Judged(
            labels=tuple(written[key] for key in keys),
            counts=_counted(true, said, keys),
            positive=None,
            columns=columns[:2],
            score_unused=bool(scores),
        )
    is_yes, said_yes = [key == yes for key in true], [key == yes for key in said]
    other = written[next(key for key in keys if key != yes)] if len(keys) == 2 else f"≠ {written[yes]}"
    return Judged(
        labels=(other, written[yes]),
        counts=_two(is_yes, said_yes),
        positive=1,
        columns=columns,
        score=tuple(scores),
        is_positive=tuple(is_yes) if scores else (),
    )


def _from_scores(
    table: Table,
    at_truth: int,
    at_score: int | None,
    true: Sequence[str],
    scores: Sequence[float],
    positive: str | None,
) -> Judged:
    """Say yes from one half on."""
    assert at_score is not None
    if not all(0 <= value <= 1 for value in scores):
        raise BadInput(
            "{file} holds no predictions, and column {column} no probabilities from 0 to 1 from which to make "
            "them: add a column called prediction.",
            file=table.name, column=table.columns[at_score][:40],
        )  # fmt: skip
    written = _written([(table, at_truth)])
    keys = _ordered(set(true))
    yes = _positive(keys, true, positive, written)
    if yes is None:
        raise BadInput(
            "Column {column} holds {count} different labels, and probabilities alone say which is which of two: "
            "add a column called prediction, or name one label with the option positive.",
            column=table.columns[at_truth][:40], count=len(keys),
        )  # fmt: skip
    is_yes = [key == yes for key in true]
    other = written[next(key for key in keys if key != yes)] if len(keys) == 2 else f"≠ {written[yes]}"
    return Judged(
        labels=(other, written[yes]),
        counts=_two(is_yes, [value >= HALF for value in scores]),
        positive=1,
        columns=(table.columns[at_truth], table.columns[at_score]),
        score=tuple(scores),
        is_positive=tuple(is_yes),
        threshold=HALF,
    )


def _columns(
    table: Table, truth: str | None, prediction: str | None, score: str | None
) -> tuple[int, int | None, int | None]:
    at_truth, at_prediction, at_score = (
        _chosen(table, name) if name else None for name in (truth, prediction, score)
    )
    taken = {at for at in (at_truth, at_prediction, at_score) if at is not None}
    if at_score is None:
        at_score = _known(table, SCORE, taken)
    taken |= {at_score} if at_score is not None else set()
    if at_prediction is None:
        at_prediction = _known(table, PREDICTION, taken)
    taken |= {at_prediction} if at_prediction is not None else set()
    if at_truth is None:
        at_truth = _known(table, TRUTH, taken)
    free = [at for at in range(len(table.columns)) if at not in taken and at != at_truth]
    if at_truth is None and free:
        at_truth = free.pop(0)
    if at_prediction is None and at_score is None and free:
        at_prediction = free.pop(0)
    if at_truth is None or (at_prediction is None and at_score is None):
        raise BadInput(
            "{file} needs a column of what is true and one of what was predicted, best called truth and "
            "prediction. Its columns: {columns}",
            file=table.name, columns=listed(table.columns),
        )  # fmt: skip
    if len({at_truth, at_prediction, at_score}) < 3:
        raise BadInput("Truth, prediction and score must be different columns of {file}.", file=table.name)
    return at_truth, at_prediction, at_score


def _chosen(table: Table, wanted: str) -> int:
    """Return the column that is called so, or that stands at this place."""
    folded = [name.casefold() for name in table.columns]
    if wanted.strip().casefold() not in folded and wanted.strip().isdecimal():
        at = int(wanted[:6]) - 1
        if 0 <= at < len(folded):
            return at
    return column_named(table, wanted[:60])


def _known(table: Table, names: Sequence[str], taken: set[int]) -> int | None:
    folded = [name.strip().casefold() for name in table.columns]
    return next(
        (folded.index(name) for name in names if name in folded and folded.index(name) not in taken), None
    )


def _labels(table: Table, column: int) -> list[str]:
    found = []
    for row, cells in enumerate(table.rows):
        key = _key(cells[column])
        if not key:
            raise BadInput(
                "{file}, row {row}: column {column} is empty.",
                file=table.name, row=row + 1, column=table.columns[column][:40],
            )  # fmt: skip
        found.append(key)
    return found


def _scores(table: Table, column: int) -> list[float]:
    if len(table.rows) > MOST_SCORES:
        raise BadInput(
            "{file} has {rows:,} rows; with scores at most {most:,} can be judged: send a sample.",
            file=table.name, rows=len(table.rows), most=MOST_SCORES,
        )  # fmt: skip
    found = []
    for row, cells in enumerate(table.rows):
        text = cells[column].strip()
        try:
            value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise BadInput(
                "{file}, row {row}, column {column}: {cell} is not a number.",
                file=table.name, row=row + 1, column=table.columns[column][:40], cell=text[:40],
            )  # fmt: skip
        found.append(value)
    return found


def _key(cell: str) -> str:
    """Return what makes labels the same: 1 is 1.0, Yes is yes."""
    text = cell.strip().casefold()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if math.isfinite(number) and number == int(number) else text


def _written(columns: Sequence[tuple[Table, int]]) -> dict[str, str]:
    """Return how each label is first written."""
    found: dict[str, str] = {}
    for table, column in columns:
        for cells in table.rows:
            found.setdefault(_key(cells[column]), cells[column].strip()[:60])
    return found


def _ordered(keys: set[str]) -> list[str]:
    """Sort labels: numbers by size, before words."""

    def place(key: str) -> tuple[bool, float, str]:
        try:
            number = float(key)
        except ValueError:
            return True, 0.0, key
        return False, number if math.isfinite(number) else 0.0, key

    return sorted(keys, key=place)


def _positive(
    keys: Sequence[str], true: Sequence[str], wanted: str | None, written: dict[str, str]
) -> str | None:
    """Return the label to be found: the one asked for, or of two the one known as such, or else the rarer."""
    if len(set(true)) == 1:
        raise BadInput(
            "All rows are truly {label}: rows of another label are needed too, to see whether they are told apart.",
            label=written[true[0]],
        )
    if wanted is not None:
        if (key := _key(wanted)) not in keys:
            raise BadInput(
                "No row has the label {label}. The labels: {labels}",
                label=wanted[:60], labels=listed([written[each] for each in keys]),
            )  # fmt: skip
        return key
    if len(keys) > 2:
        return None
    known = [key for key in keys if key in POSITIVE]
    if len(known) == 1:
        return known[0]
    return min(reversed(keys), key=lambda key: true.count(key))


def _counted(true: Sequence[str], said: Sequence[str], keys: Sequence[str]) -> list[list[int]]:
    place = {key: at for at, key in enumerate(keys)}
    counts = [[0] * len(keys) for _ in keys]
    for one, other in zip(true, said, strict=True):
        counts[place[one]][place[other]] += 1
    return counts


def _two(is_yes: Sequence[bool], said_yes: Sequence[bool]) -> list[list[int]]:
    counts = [[0, 0], [0, 0]]
    for one, other in zip(is_yes, said_yes, strict=True):
        counts[one][other] += 1
    return counts
