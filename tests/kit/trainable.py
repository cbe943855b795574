"""Small models that really learn, for tests of the store, the trainer, the gate and the command line."""

import csv
import json
import math
import os
import signal
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from shared.errors import BadInput
from shared.model import Device, Failure, Interval, Part, Progress, Report

Point = tuple[float, float]


class MeanRequest(msgspec.Struct, frozen=True):
    """A point in the plane."""

    x: float
    y: float


class MeanResult(msgspec.Struct, frozen=True):
    """The label whose mean is nearest, and how far that is."""

    label: str
    distance: float


class NearestMean:
    """Tells points by the nearest mean of their label. Data: a CSV file with the columns x, y and label."""

    name: ClassVar[str] = "nearest-mean"
    request: ClassVar[type[msgspec.Struct]] = MeanRequest
    result: ClassVar[type[msgspec.Struct]] = MeanResult
    max_batch: ClassVar[int] = 8
    default: ClassVar[Path | None] = None
    data_columns: ClassVar[dict[str, str]] = {"x": "a number", "y": "a number", "label": "what it is"}

    def __init__(self, means: dict[str, Point]) -> None:
        self.means = means

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the means."""
        if folder is None:
            raise BadInput("{model} has no weights yet.", model=cls.name)
        return cls(
            {label: (x, y) for label, (x, y) in json.loads((folder / "means.json").read_bytes()).items()}
        )

    def predict(self, batch: Sequence[MeanRequest]) -> Sequence[MeanResult | Failure]:
        """Answer with the nearest mean; a point that is no number fails alone."""
        return [self._nearest(r) if math.isfinite(r.x + r.y) else Failure("not a point") for r in batch]

    def _nearest(self, point: MeanRequest) -> MeanResult:
        distances = {label: math.dist((point.x, point.y), mean) for label, mean in self.means.items()}
        label = min(distances, key=distances.__getitem__)
        return MeanResult(label, distances[label])

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Take the mean of each label."""
        points: dict[str, list[Point]] = {}
        rows = [row for row in _rows(data) if not _held_out(row)]
        for done, row in enumerate(rows):
            points.setdefault(row[2], []).append(row[:2])
            progress(done / len(rows), "adding up")
        means = {k: (sum(x for x, _ in v) / len(v), sum(y for _, y in v) / len(v)) for k, v in points.items()}
        (folder / "means.json").write_text(json.dumps(means))
        (folder / "CARD.md").write_text("# Nearest mean\n\nLearned from points.\n")
        return cls(means).evaluate(data, "holdout")

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Count how often the label is right."""
        rows = [row for row in _rows(data) if part == "all" or _held_out(row)]
        guesses = [self._nearest(MeanRequest(x, y)).label for x, y, _ in rows]
        labels = sorted({label for _, _, label in rows} | set(guesses))
        confusion = [[0] * len(labels) for _ in labels]
        for (_, _, truth), guess in zip(rows, guesses, strict=True):
            confusion[labels.index(truth)][labels.index(guess)] += 1
        right = sum(confusion[i][i] for i in range(len(labels)))
        return Report(
            n=len(rows),
            metrics={"accuracy": _share(right, len(rows))},
            baseline={"accuracy": max(map(sum, confusion)) / len(rows)},
            baseline_name="majority",
            reference={"guessing": {"accuracy": 1 / len(labels)}},
            losses=[float(guess != truth) for (_, _, truth), guess in zip(rows, guesses, strict=True)],
            labels=labels,
            confusion=confusion,
            reliability=[(0.75, right / len(rows), len(rows))],
        )


class SwappedMean(NearestMean):
    """Learns the means, then confuses them: worse than what any data gives `NearestMean`."""

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Learn, then give each label the mean of the next."""
        super().train(data, folder, progress)
        means = json.loads((folder / "means.json").read_bytes())
        turned = dict(zip(means, [*list(means.values())[1:], next(iter(means.values()))], strict=True))
        (folder / "means.json").write_text(json.dumps(turned))
        return cls(turned).evaluate(data, "holdout")


class CurvedMean(NearestMean):
    """Moves the means towards their place epoch by epoch, and keeps the losses."""

    name: ClassVar[str] = "curved-mean"

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Descend along the mean squared distance; the loss of the rows that are held out is watched, too."""
        report = super().train(data, folder, progress)
        means = json.loads((folder / "means.json").read_bytes())
        curves: dict[str, list[float]] = {"train": [], "test": []}
        for epoch in range(30):
            moved = {label: [v * (1 - 0.6 ** (epoch + 1)) for v in mean] for label, mean in means.items()}
            for part, held in (("train", False), ("test", True)):
                rows = [row for row in _rows(data) if _held_out(row) is held]
                curves[part].append(sum(math.dist(row[:2], moved[row[2]]) ** 2 for row in rows) / len(rows))
        return msgspec.structs.replace(report, details={"curves": curves})


class SwappedCurvedMean(SwappedMean):
    """Another training of `CurvedMean`, gone wrong."""

    name: ClassVar[str] = "curved-mean"


class EndlessMean(NearestMean):
    """Writes half its weights and then trains on for ever."""

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Never end."""
        (folder / "means.json").write_text('{"half": ')
        progress(0.5, str(folder))
        while True:
            time.sleep(0.05)


class DyingMean(NearestMean):
    """Is killed by the system in the middle of training."""

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Die as when memory runs out."""
        (folder / "means.json").write_text('{"half": ')
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class TalkingMean(NearestMean):
    """Prints while it trains and judges, as libraries do."""

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Print from Python and straight to the descriptor, then learn."""
        print("epoch 1 {not json")  # noqa: T201
        os.write(1, b"from C\n")
        return super().train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Print, then judge."""
        print("judging")  # noqa: T201
        os.write(1, b"from C\n")
        return super().evaluate(data, part)


class RaisingMean(NearestMean):
    """Fails in its own code."""

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Raise."""
        raise ZeroDivisionError("nothing to divide {by}")


def write_points(path: Path, rows: int = 60, spread: float = 1.0) -> Path:
    """Write points of two labels around (0, 0) and (4, 4); the same for the same arguments."""
    lines = ["x,y,label"]
    for i in range(rows):
        centre, label = (0.0, "low") if i % 2 else (4.0, "high")
        x, y = centre + spread * math.sin(i * 1.7), centre + spread * math.cos(i * 2.3)
        lines.append(f"{x:.4f},{y:.4f},{label}")
    path.write_text("\n".join(lines) + "\n")
    return path


def _rows(data: Path) -> list[tuple[float, float, str]]:
    with data.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        if not {"x", "y", "label"} <= set(table.fieldnames or ()):
            raise BadInput("{path} lacks a column of x, y, label.", path=data)
        try:
            return [(float(row["x"]), float(row["y"]), row["label"]) for row in table]
        except (TypeError, ValueError):
            raise BadInput("{path} holds what is no number.", path=data) from None


def _held_out(row: tuple[float, float, str]) -> bool:
    return zlib.crc32(repr(row).encode()) % 3 == 0


def _share(count: int, of: int) -> Interval:
    """Wilson's interval of a share."""
    p, z = count / of, 1.96
    centre, half = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return Interval(
        p, max(0.0, (centre - half) / (1 + z * z / of)), min(1.0, (centre + half) / (1 + z * z / of))
    )
