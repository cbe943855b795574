"""The models of ten classes are trained and judged from a pack, and answer pictures of any size."""

import io
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from plugins.image.cifar import NAMES, ImageCifar, ImageCifarCourse
from plugins.image.cifar_data import LABELS, SIDE, Thumbnails, write_pack
from plugins.image.cifar_reader import Calibration, CifarReader
from plugins.image.cifar_recipe import Cycle, Recipe
from plugins.image.cifar_training import calibrate, parts, threshold_for, train
from plugins.image.familiar import Familiarity
from plugins.image.model import ImageRequest, ImageResult
from shared.errors import BadInput, ModelUnavailable
from shared.model import Device, Failure, Report
from shared.training_report import curves_of

TINY = Recipe(cycles=(Cycle(4),), batch=32, micro=32, rates=0.05, widths=(8, 16, 32))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: two on busy cores stall each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def painted(label: int, random: np.random.Generator, side: int = SIDE) -> bytes:
    """Paint an invented sky with an airplane (0) or a meadow with a frog (6): blue above, or green below."""
    top, low = ((60, 120, 230), (200, 210, 250)) if label == 0 else ((120, 100, 60), (30, 160, 40))
    rows = np.linspace(0, 1, SIDE)[:, None, None]
    whole = (1 - rows) * np.array(top) + rows * np.array(low) + random.normal(0, 25, (SIDE, SIDE, 3))
    # A patch of its own for each, so that no two are near-duplicates.
    x, y = random.integers(0, SIDE * 3 // 4, 2)
    whole[y : y + SIDE // 4, x : x + SIDE // 4] = random.integers(0, 256, 3)
    image = Image.fromarray(np.clip(whole, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    image.resize((side, side), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def pack(path: Path, rows: int = 420) -> Path:
    random = np.random.default_rng(1)
    labels = [0 if row % 2 else 6 for row in range(rows)]
    write_pack(path, [painted(label, random) for label in labels], labels, LABELS)
    return path


def silent(done: float, note: str = "") -> None:
    assert 0 <= done <= 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageCifar, Report, Path]:
    base = tmp_path_factory.mktemp("cifar")
    data = pack(base / "pack.npz")
    report = train(data, base / "weights", silent, TINY)
    return ImageCifar.load(base / "weights", Device()), report, data


def test_training_reports_on_what_was_held_out(trained: tuple[ImageCifar, Report, Path]) -> None:
    model, report, data = trained
    assert report.metrics["accuracy"].value > 0.9
    assert {"accuracy", "top5", "macro_f1"} <= set(report.metrics)
    assert report.baseline["accuracy"] < 0.7
    (curves,) = curves_of(report)
    assert len(curves.train) == len(curves.test) == TINY.epochs
    assert curves.train[-1] < curves.train[0]
    assert all(map(math.isfinite, curves.test))
    assert len(report.losses) == report.n == report.details["rows"]["held out"]
    assert sum(report.details["rows"].values()) == 420
    assert set(report.details["per_class"]) == {"airplane", "frog"}
    again = model.evaluate(data, "holdout")
    assert again.losses == pytest.approx(report.losses, abs=1e-5)
    assert model.evaluate(data).n == 420


def test_pictures_of_any_size_are_answered_in_order_and_a_bad_one_fails_alone(
    trained: tuple[ImageCifar, Report, Path],
) -> None:
    model, random = trained[0], np.random.default_rng(9)
    requests = [
        ImageRequest(data=painted(label, random, side)) for label, side in ((0, 32), (6, 300), (0, 517))
    ]
    found = model.predict([*requests, ImageRequest(data=b"<html>")])
    assert isinstance(found[3], Failure)
    assert found[3].refusal
    for each, label in zip(found[:3], (0, 6, 0), strict=True):
        assert isinstance(each, ImageResult)
        assert each.guesses[0].place == label
        assert each.guesses[0].english == LABELS[label]
        assert len(each.guesses) == 5
        assert each.picture == b""
    (alone,) = model.predict(requests[1:2])
    assert isinstance(alone, ImageResult)
    assert isinstance(found[1], ImageResult)
    assert alone.guesses[0].probability == pytest.approx(found[1].guesses[0].probability, abs=1e-5)


def test_what_is_not_sure_is_not_named(trained: tuple[ImageCifar, Report, Path]) -> None:
    reader = trained[0].reader
    unsure = ImageCifar(CifarReader(reader.network, Calibration(50.0, 0.9)))
    (found,) = unsure.predict([ImageRequest(data=painted(0, np.random.default_rng(3)))])
    assert isinstance(found, ImageResult)
    assert not found.known


def test_what_is_not_familiar_is_not_named_and_the_rest_is_as_before(
    trained: tuple[ImageCifar, Report, Path], tmp_path: Path
) -> None:
    reader, random = trained[0].reader, np.random.default_rng(6)
    shown = np.stack([np.asarray(Image.open(io.BytesIO(painted(0, random)))) for _ in range(60)])
    noise = random.integers(0, 256, (60, SIDE, SIDE, 3), np.uint8)
    layer = Familiarity.fit([reader.features(shown)], [reader.features(noise)], 10.0)
    CifarReader(reader.network, Calibration(), reader.views, familiar=layer).write(tmp_path)
    guarded = CifarReader.read(tmp_path, Device())
    probabilities, known = guarded.judge(shown)
    assert known.mean() > 0.8
    assert not guarded.judge(noise)[1].any()
    assert probabilities == pytest.approx(guarded.probabilities(shown), abs=1e-5)


def test_no_map_is_promised_and_asking_for_one_is_refused(trained: tuple[ImageCifar, Report, Path]) -> None:
    request = ImageRequest(data=painted(0, np.random.default_rng(3)), decided=0)
    (found,) = trained[0].predict([request])
    assert isinstance(found, Failure)
    assert found.refusal


def test_the_threshold_is_the_lowest_above_which_answers_are_right() -> None:
    probabilities = np.zeros((200, 10))
    most = np.linspace(0.5, 0.99, 200)
    probabilities[:, 0], probabilities[:, 1] = most, 1 - most
    labels = np.where(most > 0.6, 0, 2)
    threshold = threshold_for(probabilities, labels, sure=0.99)
    assert 0.59 <= threshold <= 0.62
    assert threshold_for(probabilities, np.full(200, 5)) == 0.5


def test_calibration_cools_what_is_too_sure(trained: tuple[ImageCifar, Report, Path]) -> None:
    reader = trained[0].reader
    random = np.random.default_rng(2)
    noise = Thumbnails(random.integers(0, 256, (60, SIDE, SIDE, 3), np.uint8), random.integers(0, 10, 60))
    assert calibrate(reader, noise).temperature > 1


def test_too_few_pictures_are_refused_in_words(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (40, SIDE, SIDE, 3), np.uint8)
    with pytest.raises(BadInput, match="too few pictures"):
        parts(Thumbnails(pixels, np.arange(40) % 10), tmp_path)


def test_the_weights_that_ship_are_small_and_load() -> None:
    assert ImageCifar.default is not None
    assert sum(path.stat().st_size for path in ImageCifar.default.iterdir()) < 5 * 2**20
    model = ImageCifar.load(ImageCifar.default, Device())
    (found,) = model.predict([ImageRequest(data=painted(0, np.random.default_rng(4), 200))])
    assert isinstance(found, ImageResult)
    assert sum(guess.probability for guess in found.guesses) <= 1 + 1e-6
    noise = np.random.default_rng(7).integers(0, 256, (50, SIDE, SIDE, 3), np.uint8)
    assert model.reader.judge(noise)[1].mean() < 0.1


def test_each_label_has_a_chinese_name() -> None:
    assert tuple(english for english, _ in NAMES) == LABELS
    assert all(not chinese.isascii() for _, chinese in NAMES)


def test_the_course_network_ships_no_weights() -> None:
    assert ImageCifarCourse.default is None
    with pytest.raises(ModelUnavailable, match="image-cifar10-course"):
        ImageCifarCourse.load(None, Device())


def test_importing_the_models_imports_nothing_heavy() -> None:
    code = (
        "import sys, plugins.image.cifar, plugins.image.own, plugins.image.folders\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'torch', 'torchvision', 'cv2', 'PIL', 'safetensors'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert ran.stdout.strip() == "[]"
