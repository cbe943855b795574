"""Training of generators: packs that can and cannot be used, in one go or in pieces, and the report."""

import base64
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from plugins.animeface.dcgan import AnimefaceDcgan
from plugins.animeface.dcgan_training import DcganRecipe, DcganTraining, train_dcgan
from plugins.animeface.model import AnimeFace, FacesRequest, FacesResult
from plugins.animeface.networks import Shape
from plugins.animeface.training import train
from plugins.animeface.training_data import Faces, read_faces, write_pack
from plugins.animeface.training_latents import Components
from plugins.animeface.training_loop import Recipe, Training
from shared.errors import BadInput
from shared.model import Device

PICTURES = 190
"""Of these just as many are held out as can be judged on."""
TINY = Recipe(
    shape=Shape(latent=8, widths=(8, 8, 8, 8, 4)),
    steps=6,
    redrawing=3,
    ramp=1,
    batch=4,
    side=48,
    mixed=(4, 4, 4, 4),
    width=4,
)


def silent(done: float, note: str = "") -> None:
    assert 0 <= done <= 1


def face(seed: int, side: int = 64) -> bytes:
    """Draw hair, a face and eyes of random colours and places, as a WebP."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), tuple(random.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    x, y = random.integers(20, 44, 2).tolist()
    draw.ellipse((x - 26, y - 26, x + 26, y + 26), fill=tuple(random.integers(0, 256, 3).tolist()))
    draw.ellipse((x - 14, y - 10, x + 14, y + 20), fill=(250, 220, 200))
    for eye in (-7, 7):
        draw.ellipse((x + eye - 3, y, x + eye + 3, y + 7), fill=tuple(random.integers(0, 256, 3).tolist()))
    out = io.BytesIO()
    image.save(out, "WEBP", lossless=True)
    return out.getvalue()


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "faces.npz"
    # Judging takes most of the time, and looks at each of them several times.
    write_pack(path, [face(seed) for seed in range(PICTURES)])
    return path


@pytest.fixture(scope="module")
def some(pack: Path) -> NDArray[np.uint8]:
    """Return enough to train on where nothing is judged."""
    return read_faces(pack)[:60]


def written(path: Path, arrays: dict[str, Any]) -> Path:
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return path


def test_a_pack_is_read_and_split_by_content(pack: Path) -> None:
    pictures = read_faces(pack)
    assert pictures.shape == (PICTURES, 64, 64, 3)
    faces = Faces.read(pack)
    assert len(faces.training) + len(faces.held) == PICTURES
    assert 20 <= len(faces.held) < 30


def test_pictures_of_another_size_are_scaled(tmp_path: Path) -> None:
    write_pack(tmp_path / "f.npz", [face(1, side=96)])
    assert read_faces(tmp_path / "f.npz").shape == (1, 64, 64, 3)


BYTES: NDArray[np.uint8] = np.frombuffer(face(0), np.uint8)


@pytest.mark.parametrize(
    "arrays",
    [
        {"index": np.array([[0, 10]])},
        {"webp": BYTES},
        {"webp": BYTES, "index": np.zeros((0, 2), np.int64)},
        {"webp": BYTES, "index": np.array([[0, len(BYTES) + 1]])},
        {"webp": BYTES, "index": np.array([[-1, 10]])},
        {"webp": BYTES, "index": np.array([[2**62, 2**62]])},
        {"webp": BYTES, "index": np.array([[2**64 - 1, 5]], np.uint64)},
        {"webp": BYTES, "index": np.array([[0.0, 10.0]])},
        {"webp": BYTES, "index": np.array([[0, 40]])},
        {"webp": BYTES.astype(np.int64), "index": np.array([[0, 10]])},
        {"webp": np.array([{"an": "object"}], dtype=object), "index": np.array([[0, 10]])},
    ],
)
def test_a_hostile_pack_is_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"faces\.npz"):
        read_faces(written(tmp_path / "faces.npz", arrays))


def test_a_picture_with_too_many_pixels_or_no_square_is_refused(tmp_path: Path) -> None:
    for size in ((4000, 4000), (64, 32)):
        out = io.BytesIO()
        Image.new("RGB", size).save(out, "PNG")
        write_pack(tmp_path / "f.npz", [out.getvalue()])
        with pytest.raises(BadInput, match="too large, or no square"):
            read_faces(tmp_path / "f.npz")


def test_an_array_that_claims_more_than_it_holds_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "faces.npz"
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999,), }"
    data = b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("webp.npy", data)
    with pytest.raises(BadInput, match="too large"):
        read_faces(path)
    path.write_bytes(b"PK no archive")
    with pytest.raises(BadInput):
        read_faces(path)
    with pytest.raises(BadInput):
        read_faces(tmp_path / "missing.npz")


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    write_pack(tmp_path / "few.npz", [face(seed) for seed in range(30)])
    with pytest.raises(BadInput, match="too few"):
        Faces.read(tmp_path / "few.npz")


def test_components_redraw_the_pictures_that_they_were_found_on(some: NDArray[np.uint8]) -> None:
    components = Components.of(some, 59)
    latents = components.latents(some)
    assert latents.shape == (60, 59)
    redrawn = components.mean + np.tensordot(latents, components.basis, 1)
    small = some.reshape(60, 32, 2, 32, 2, 3).mean((2, 4)) / 127.5 - 1
    assert np.abs(redrawn - small).mean() < 0.02
    assert Components.of(some, 80).latents(some).shape == (60, 80)


def test_a_training_in_pieces_ends_as_one_in_a_single_go(some: NDArray[np.uint8], tmp_path: Path) -> None:
    whole = Training(TINY, some)
    whole.run(600, silent)
    first = Training(TINY, some)
    for _ in range(4):
        first.advance()
    first.write(tmp_path / "c.safetensors")
    second = Training(TINY, some)
    assert second.resume(tmp_path / "c.safetensors")
    assert second.step == 4
    second.run(600, silent, tmp_path / "c.safetensors")
    assert whole.step == second.step == 6
    for name, value in whole.average.state_dict().items():
        assert torch.allclose(value.float(), second.average.state_dict()[name].float(), atol=1e-5), name
    other = Training(replace(TINY, seed=5), some)
    assert not other.resume(tmp_path / "c.safetensors")
    assert not other.resume(tmp_path / "missing.safetensors")


def test_redrawing_comes_nearer_to_the_pictures(some: NDArray[np.uint8]) -> None:
    training = Training(replace(TINY, redrawing=1000, batch=8, side=32), some)
    for _ in range(40):
        training.advance()
        if training.step in (8, 32, 40):
            training.curves.close_row(training.step)
    early, _, late = training.curves.rows
    assert late["pixels"] < early["pixels"]


def test_a_trained_generator_is_written_judged_and_gone_on_from(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_ANIMEFACE_CHECKPOINTS", str(tmp_path / "kept"))
    report = train(pack, tmp_path / "weights", silent, TINY)
    assert report.n == len(report.losses) == report.details["rows"]["held out"]
    assert report.details["steps"] == 6
    assert not report.details["resumed"]
    kid = report.metrics["kid"]
    assert kid.low <= kid.value <= kid.high
    assert report.baseline["kid"] > 0
    assert set(report.metrics) == {"kid", "kid_random"} == set(report.baseline)
    (floor,) = report.reference.values()
    assert floor["kid"] < kid.value
    assert report.details["memorisation"]["median_distance_drawn"] > 0
    with Image.open(io.BytesIO(base64.b64decode(report.details["samples_webp_base64"]))) as grid:
        assert grid.size == (512, 512)
    again = Training(TINY, Faces.read(pack).training)
    assert again.resume(tmp_path / "kept" / "animeface.safetensors")
    assert again.step == 6
    model = AnimeFace.load(tmp_path / "weights", Device())
    (result,) = model.predict([FacesRequest(seeds=[1])])
    assert isinstance(result, FacesResult)
    assert model.evaluate(pack, "holdout").metrics["kid"].value == pytest.approx(kid.value, rel=1e-6)
    write_pack(tmp_path / "few.npz", [face(seed) for seed in range(900, 930)])
    on_all = model.evaluate(tmp_path / "few.npz")
    assert on_all.n == 30
    assert "memorisation" not in on_all.details
    with pytest.raises(BadInput, match="too few"):
        model.evaluate(tmp_path / "few.npz", "holdout")


def test_the_courses_network_is_trained_in_pieces_and_draws_96_pixels(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_ANIMEFACE_CHECKPOINTS", str(tmp_path / "kept"))
    recipe = DcganRecipe(width=4, steps=3, batch=8)
    report = train_dcgan(pack, tmp_path / "weights", silent, recipe)
    assert report.details["steps"] == 3
    assert report.metrics["kid"].value > 0
    training = DcganTraining(recipe, Faces.read(pack).training)
    assert training.resume(tmp_path / "kept" / "animeface-dcgan.safetensors")
    assert training.step == 3
    model = AnimefaceDcgan.load(tmp_path / "weights", Device())
    one, two = model.predict([FacesRequest(seeds=[1]), FacesRequest(seeds=[2, 1])])
    assert isinstance(one, FacesResult)
    assert isinstance(two, FacesResult)
    assert one.faces[0] == two.faces[1] != two.faces[0]
    assert training.generator(torch.zeros(2, 100, 1, 1)).shape == (2, 3, 96, 96)
