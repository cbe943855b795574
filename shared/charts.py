"""Charts, drawn in the worker as one more model: a description in, a PNG out.

Drawing is tens of milliseconds of pure computation, which has no place on the bot's event loop; see
`docs/decisions/0005-charts-are-a-model.md`. Words on a chart come from the caller, already in the reader's language.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import msgspec

from shared.model import Device, Failure


class Highlights(msgspec.Struct, frozen=True, tag="highlights", kw_only=True):
    """A text whose words are tinted by weight, under a gauge.

    `spans` holds (start, end, weight) in characters; weights above zero push towards `positive_label`: they are orange
    and underlined, the others blue. `gauge` is the probability of `positive_label`, or None for none. What is longer
    than 1,500 characters or 30 lines ends with an ellipsis.
    """

    title: str
    text: str
    spans: list[tuple[int, int, float]]
    gauge: float | None = None
    gauge_label: str = ""
    negative_label: str = ""
    positive_label: str = ""
    dark: bool = True


class Bars(msgspec.Struct, frozen=True, tag="bars", kw_only=True):
    """Horizontal bars, the first on top and in another colour; 60 at most.

    `values` in 0…1 are written in per cent where `percent`.
    """

    title: str
    labels: list[str]
    values: list[float]
    percent: bool = True
    dark: bool = True


class ConfusionMatrix(msgspec.Struct, frozen=True, tag="confusion", kw_only=True):
    """Counts of truth (rows) against prediction (columns); 60 labels at most."""

    title: str
    labels: list[str]
    counts: list[list[int]]
    truth_label: str = "truth"
    prediction_label: str = "prediction"
    dark: bool = False


class Reliability(msgspec.Struct, frozen=True, tag="reliability", kw_only=True):
    """A reliability curve: (mean predicted probability, observed share, rows) a bin."""

    title: str
    bins: list[tuple[float, float, int]]
    predicted_label: str = "predicted probability"
    observed_label: str = "observed share"
    dark: bool = False


class Histogram(msgspec.Struct, frozen=True, tag="histogram", kw_only=True):
    """Counts over equal steps from one end to another, such as of a probability from 0 to 1; 100 steps at most."""

    title: str
    counts: list[int]
    low_label: str = ""
    high_label: str = ""
    count_label: str = ""
    dark: bool = True


class Scatter(msgspec.Struct, frozen=True, tag="scatter", kw_only=True):
    """Points in groups that are told apart by colour and shape, each named where its points are; 10,000 at most.

    `points` are (x, y) in 0…1, y upwards. `groups` holds a point's group, an index into `labels`; -1: none, faint.
    """

    title: str
    points: list[tuple[float, float]]
    groups: list[int]
    labels: list[str]
    rest_label: str = ""
    dark: bool = True


class Lines(msgspec.Struct, frozen=True, tag="lines", kw_only=True):
    """Values of series over the same steps, such as shares a month; 8 series and 200 steps at most.

    `values` holds a list a series, as long as `steps`; None where there is no value: the line is broken there.
    """

    title: str
    steps: list[str]
    labels: list[str]
    values: list[list[float | None]]
    percent: bool = True
    dark: bool = True


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value may be in the steps ahead: `low` to `high` in each. `outline`: only its edges are drawn, dashed."""

    label: str
    low: list[float]
    high: list[float]
    outline: bool = False


class Candles(msgspec.Struct, frozen=True, tag="candles", kw_only=True):
    """Days as candlesticks, then what may come: bands, the widest first, and what is expected; 260 days and 60 ahead.

    `days` and `ahead` are labels of the steps, the lists of prices as long as they are; `ahead` may be empty.
    """

    title: str
    days: list[str]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    ahead: list[str] = []
    expected: list[float] = []
    expected_label: str = ""
    bands: list[Band] = []
    dark: bool = True


class Intervals(msgspec.Struct, frozen=True, tag="intervals", kw_only=True):
    """Intervals that were foretold, what was expected, and what came, marked where it lay outside; 260 at most."""

    title: str
    steps: list[str]
    low: list[float]
    high: list[float]
    expected: list[float]
    actual: list[float]
    inside_label: str = ""
    outside_label: str = ""
    expected_label: str = ""
    dark: bool = True


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A word at an epoch, which counts from 1."""

    epoch: int
    label: str


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its 95 % interval, beside what others reach."""

    name: str
    value: float
    low: float
    high: float
    beside: list[tuple[str, float]] = []


class Losses(msgspec.Struct, frozen=True, tag="losses", kw_only=True):
    """Losses over epochs, marked where something shows, and figures below; 4 curves of 10,000 epochs, 12 figures.

    `values` holds a list a curve; one that is not finite breaks the curve there. Without any, the figures stand alone.
    """

    title: str
    labels: list[str] = []
    values: list[list[float]] = []
    epoch_label: str = ""
    loss_label: str = ""
    marks: list[Mark] = []
    notes: list[str] = []
    figures: list[Measured] = []
    dark: bool = True


AnyChart: TypeAlias = (
    Highlights
    | Bars
    | ConfusionMatrix
    | Reliability
    | Histogram
    | Scatter
    | Lines
    | Candles
    | Intervals
    | Losses
)


class Chart(msgspec.Struct, frozen=True):
    """Any chart: what crosses to the worker."""

    chart: AnyChart


class Drawn(msgspec.Struct, frozen=True):
    """A picture: PNG bytes, and its size in pixels."""

    png: bytes
    width: int
    height: int


class Charts:
    """Draws charts; needs no weights, keeps the fonts loaded."""

    name: ClassVar[str] = "charts"
    request: ClassVar[type[msgspec.Struct]] = Chart
    result: ClassVar[type[msgspec.Struct]] = Drawn
    max_batch: ClassVar[int] = 4
    default: ClassVar[Path | None] = None

    def __init__(self, draw: Callable[[Any], Drawn]) -> None:
        self._draw = draw

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Load the fonts, and draw once."""
        from shared.drawing import draw

        warm = Highlights(title="…", text="warm", spans=[(0, 4, 1.0)], gauge=0.5)
        draw(warm)
        return cls(draw)

    def predict(self, batch: Sequence[Chart]) -> Sequence[Drawn | Failure]:
        """Draw each chart; one whose parts do not fit each other fails alone."""
        return [self._drawn(request) for request in batch]

    def _drawn(self, request: Chart) -> Drawn | Failure:
        try:
            return self._draw(request.chart)
        except ValueError as error:
            return Failure(str(error))
