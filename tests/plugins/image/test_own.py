"""A model of a person's own classes is trained from a folder in seconds, and says when a picture is unlike all."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from plugins.image.model import ImageRequest, ImageResult
from plugins.image.own import ImageOwn
from plugins.image.own_head import Head
from plugins.image.own_training import held_out, near_duplicates
from shared.errors import BadInput, ModelUnavailable
from shared.model import Device, Failure, Report
from tests.kit.damage import DAMAGES, damage


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: two on busy cores stall each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(kind: str, seed: int) -> bytes:
    """Draw rings, stripes, or what is neither, in any colours and places."""
    random = np.random.default_rng([seed, len(kind)])
    ground, ink = (tuple(int(v) for v in random.integers(low, low + 90, 3)) for low in (160, 0))
    image = Image.new("RGB", (160, 120), ground)
    draw = ImageDraw.Draw(image)
    match kind:
        case "rings":
            for _ in range(6):
                x, y, r = (int(v) for v in random.integers((10, 10, 12), (110, 70, 40)))
                draw.ellipse((x, y, x + r, y + r), outline=ink, width=5)
        case "stripes":
            for x in range(-120, 160, int(random.integers(14, 26))):
                draw.line((x, 120, x + 120, 0), fill=ink, width=6)
        case _:
            noise = random.integers(0, 256, (120, 160, 3), np.uint8)
            image = Image.fromarray(noise)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def folder_of(path: Path, count: int = 8, kinds: tuple[str, ...] = ("rings", "stripes")) -> Path:
    for kind in kinds:
        (path / kind).mkdir(parents=True)
        for seed in range(count):
            (path / kind / f"{seed}.png").write_bytes(drawn(kind, seed))
    return path


def silent(done: float, note: str = "") -> None:
    assert 0 <= done <= 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageOwn, Report, Path]:
    """Train on seventeen pictures, one of which cannot be read and one of which is there twice."""
    base = tmp_path_factory.mktemp("own")
    data = folder_of(base / "data")
    (data / "rings" / "broken.jpg").write_bytes(b"<svg>not a picture</svg>")
    (data / "rings" / "again.png").write_bytes((data / "rings" / "3.png").read_bytes())
    (data / "rings" / "notes.txt").write_text("not looked at")
    report = ImageOwn.train(data, base / "weights", silent)
    return ImageOwn.load(base / "weights", Device()), report, data


def answer(model: ImageOwn, data: bytes) -> ImageResult:
    (found,) = model.predict([ImageRequest(data=data)])
    assert isinstance(found, ImageResult)
    return found


def test_it_knows_new_pictures_of_its_classes(trained: tuple[ImageOwn, Report, Path]) -> None:
    model, _, _ = trained
    for kind in ("rings", "stripes"):
        found = [answer(model, drawn(kind, seed)) for seed in range(100, 103)]
        assert [each.guesses[0].english for each in found] == [kind] * 3
        assert sum(each.known for each in found) >= 2
        assert found[0].guesses[0].probability + found[0].guesses[1].probability == pytest.approx(1)


def test_what_is_unlike_the_training_pictures_is_not_named(trained: tuple[ImageOwn, Report, Path]) -> None:
    model, _, _ = trained
    assert not any(answer(model, drawn("noise", seed)).known for seed in range(4))


def test_a_bad_picture_of_a_batch_fails_alone(trained: tuple[ImageOwn, Report, Path]) -> None:
    model, _, _ = trained
    good, bad = ImageRequest(data=drawn("rings", 200)), ImageRequest(data=b"<html>")
    one, two, three = model.predict([good, bad, good])
    assert isinstance(two, Failure)
    assert two.refusal
    assert one == three
    assert isinstance(one, ImageResult)


def test_its_report_stands_beside_the_commonest_class_and_the_nearest_centroid(
    trained: tuple[ImageOwn, Report, Path],
) -> None:
    _, report, _ = trained
    assert report.baseline["accuracy"] < report.metrics["accuracy"].value
    assert report.baseline_name.startswith("always ")
    assert 0 <= report.details["compared"]["nearest centroid"]["accuracy"] <= 1
    assert len(report.losses) == report.n == report.details["rows"]["held out"]
    assert report.n + report.details["rows"]["training"] == 17
    (line,) = report.details["unread"]
    assert line.startswith("rings/broken.jpg: ")


def test_judging_again_on_what_was_held_out_gives_the_same(trained: tuple[ImageOwn, Report, Path]) -> None:
    model, report, data = trained
    again = model.evaluate(data, "holdout")
    assert again.n == report.n
    assert again.metrics["accuracy"] == report.metrics["accuracy"]
    assert model.evaluate(data).n == 17


def test_a_folder_with_an_unknown_class_cannot_be_judged_on(
    trained: tuple[ImageOwn, Report, Path], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="noise"):
        trained[0].evaluate(folder_of(tmp_path / "x", 2, ("noise", "rings")))


def test_near_duplicates_stay_on_one_side_and_each_class_on_both(
    trained: tuple[ImageOwn, Report, Path],
) -> None:
    model, _, data = trained
    from plugins.image.own_data import read_folder

    rows = read_folder(data, model.features, silent, mirror=False)
    groups = near_duplicates(rows.features)
    pair = [at for at, small in enumerate(rows.small) if (small == rows.small[rows.labels == 0][3]).all()]
    assert len(set(groups.tolist())) <= 16
    out = held_out(rows, groups)
    for group in set(groups.tolist()):
        assert len(set(out[groups == group].tolist())) == 1
    for label in (0, 1):
        assert set(out[rows.labels == label].tolist()) == {False, True}
    assert pair


@pytest.mark.parametrize(
    "kind", ["missing", "a file", "no classes", "one class", "few", "copies", "unreadable"]
)
def test_a_folder_that_cannot_be_trained_on_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    match kind:
        case "a file":
            data.write_bytes(b"1")
        case "no classes":
            data.mkdir()
        case "one class":
            folder_of(data, 5, ("rings",))
        case "few":
            folder_of(data, 4)
        case "copies":
            folder_of(data, 5)
            for path in (data / "rings").iterdir():
                path.write_bytes(drawn("rings", 1))
        case "unreadable":
            for name in ("a", "b"):
                (data / name).mkdir(parents=True)
                (data / name / "x.png").write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"data|class"):
        ImageOwn.train(data, tmp_path / "weights", silent)
    assert not (tmp_path / "weights").exists()


def test_before_it_is_trained_it_says_how(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="hearth data folder"):
        ImageOwn.load(None, Device())


@pytest.mark.parametrize("kind", [*DAMAGES, "names", "neighbours", "shape"])
def test_damaged_weights_are_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    zeros = np.zeros((2, 1280), np.float32)
    Head(["a", "b"], zeros, zeros[:, 0], zeros[:1], 0.5, 1, 0.6).write(tmp_path)
    rest = tmp_path / "model.json"
    said = rest.read_text()
    match kind:
        case "names":
            rest.write_text(said.replace('"a"', '"a", "c"'))
        case "neighbours":
            rest.write_text(said.replace('"neighbours": 1', '"neighbours": 7'))
        case "shape":
            Head(["a", "b"], zeros[:, :9], zeros[:, 0], zeros[:1], 0.5, 1, 0.6).write(tmp_path)
        case _:
            damage(tmp_path, kind)
    with pytest.raises(ModelUnavailable, match="weights of image-own cannot be read"):
        Head.read(tmp_path)
