"""The generator that ships: what a seed gives, morphs, and requests that cannot be drawn."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugins.animeface.dcgan import AnimefaceDcgan
from plugins.animeface.generator import between, latent
from plugins.animeface.model import AnimeFace, FacesRequest, FacesResult
from shared.errors import ModelUnavailable
from shared.model import Device, Failure
from shared.pictures import decode


@pytest.fixture(scope="module")
def model() -> AnimeFace:
    return AnimeFace.load(AnimeFace.default, Device())


def drawn(model: AnimeFace, *requests: FacesRequest) -> list[FacesResult]:
    results = list(model.predict(requests))
    assert all(isinstance(result, FacesResult) for result in results), results
    return results  # type: ignore[return-value]


def test_the_same_seed_gives_the_same_face_alone_and_in_any_batch(model: AnimeFace) -> None:
    (alone,) = drawn(model, FacesRequest(seeds=[7]))
    among, last = drawn(model, FacesRequest(seeds=list(range(12))), FacesRequest(seeds=[900, 7]))
    assert among.faces[7] == alone.faces[0] == last.faces[1]
    assert len(set(among.faces)) == 12


def test_faces_are_colourful_pictures_of_128_pixels_and_the_grid_holds_them(model: AnimeFace) -> None:
    (result,) = drawn(model, FacesRequest(seeds=[1, 2, 3, 4, 5]))
    faces = [decode(face) for face in result.faces]
    assert {face.shape for face in faces} == {(128, 128, 3)}
    assert all(face.std() > 20 for face in faces)
    sheet = decode(result.grid)
    assert sheet.shape == (2 * 132 - 4, 3 * 132 - 4, 3)
    assert np.array_equal(sheet[:128, 132:260], faces[1])
    assert result.gif == b""


def test_truncation_0_is_one_face_and_less_of_it_is_nearer_to_that_face(model: AnimeFace) -> None:
    mean, half, whole = drawn(
        model, *(FacesRequest(seeds=[3, 4], truncation=share) for share in (0.0, 0.5, 1.0))
    )
    assert mean.faces[0] == mean.faces[1]
    middle = decode(mean.faces[0]).astype(float)
    for near, far in zip(half.faces, whole.faces, strict=True):
        assert 0 < np.abs(decode(near) - middle).mean() < np.abs(decode(far) - middle).mean()


def test_a_morph_plays_from_one_face_to_the_other_and_back(model: AnimeFace) -> None:
    (result,) = drawn(model, FacesRequest(seeds=[10, 11], steps=6))
    with Image.open(io.BytesIO(result.gif)) as gif:
        assert gif.n_frames == 2 * 6 - 2  # type: ignore[attr-defined]
        assert gif.size == (128, 128)
        first = np.asarray(gif.convert("RGB")).astype(float)
        gif.seek(5)
        last = np.asarray(gif.convert("RGB")).astype(float)
    start, end = (decode(face).astype(float) for face in result.faces)
    # A GIF has 256 colours.
    assert np.abs(first - start).mean() < 6
    assert np.abs(last - end).mean() < 6
    assert np.abs(first - end).mean() > 12


def test_faces_around_a_seed_go_from_its_face_to_their_own(model: AnimeFace) -> None:
    base, own, at_base, at_own, near = drawn(
        model,
        FacesRequest(seeds=[20]),
        FacesRequest(seeds=[21]),
        FacesRequest(seeds=[21], around=20, near=0.0),
        FacesRequest(seeds=[21], around=20, near=1.0),
        FacesRequest(seeds=[21], around=20, near=0.3),
    )
    assert np.abs(decode(at_base.faces[0]).astype(float) - decode(base.faces[0])).max() <= 1
    assert np.abs(decode(at_own.faces[0]).astype(float) - decode(own.faces[0])).max() <= 1
    to_base = np.abs(decode(near.faces[0]).astype(float) - decode(base.faces[0])).mean()
    to_own = np.abs(decode(near.faces[0]).astype(float) - decode(own.faces[0])).mean()
    assert 0 < to_base < to_own


@pytest.mark.parametrize(
    "request_",
    [
        FacesRequest(seeds=[]),
        FacesRequest(seeds=[-1]),
        FacesRequest(seeds=[2**63]),
        FacesRequest(seeds=[1] * 65),
        FacesRequest(seeds=[1], truncation=float("nan")),
        FacesRequest(seeds=[1], truncation=2.0),
        FacesRequest(seeds=[1], around=2, near=1.1),
        FacesRequest(seeds=[1], around=-2),
        FacesRequest(seeds=[1], steps=10),
        FacesRequest(seeds=[1, 2], steps=1),
        FacesRequest(seeds=[1, 2], steps=65),
    ],
)
def test_a_request_that_cannot_be_drawn_fails_alone(model: AnimeFace, request_: FacesRequest) -> None:
    bad, good = model.predict([request_, FacesRequest(seeds=[5])])
    assert isinstance(bad, Failure)
    assert not bad.refusal
    assert isinstance(good, FacesResult)


def test_the_arc_between_two_latents_keeps_their_length() -> None:
    start, end = latent(1, 128), latent(2, 128)
    assert np.allclose(between(start, end, 0.0), start)
    assert np.allclose(between(start, end, 1.0), end)
    middle = float(np.linalg.norm(between(start, end, 0.5)))
    assert 0.9 < middle / float(np.linalg.norm(start)) < 1.1
    assert np.allclose(between(start, start, 0.5), start)


def test_latents_of_a_seed_never_change() -> None:
    assert np.allclose(latent(0, 3), [0.12573022, -0.13210486, 0.64042265])


def test_the_weights_that_ship_are_small(model: AnimeFace) -> None:
    assert AnimeFace.default is not None
    assert sum(file.stat().st_size for file in AnimeFace.default.iterdir()) < 15_000_000


def test_weights_that_are_missing_or_strange_are_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable):
        AnimeFace.load(None, Device())
    with pytest.raises(ModelUnavailable):
        AnimeFace.load(tmp_path, Device())
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    for shape in (
        "[]",
        '{"latent": 1000000, "widths": [8, 8, 8, 8, 8]}',
        '{"latent": 8, "widths": [8]}',
        "{",
    ):
        (tmp_path / "shape.json").write_text(shape)
        with pytest.raises(ModelUnavailable):
            AnimeFace.load(tmp_path, Device())
    with pytest.raises(ModelUnavailable):
        AnimefaceDcgan.load(None, Device())
    with pytest.raises(ModelUnavailable):
        AnimefaceDcgan.load(tmp_path, Device())
