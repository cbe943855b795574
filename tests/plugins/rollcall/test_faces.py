"""The face model finds, describes and names faces in whatever picture comes; the face is one that Matplotlib ships."""

import io
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from plugins.rollcall.align import packaged
from plugins.rollcall.detect import Detector, Scored, suppressed
from plugins.rollcall.embed_file import tensors
from plugins.rollcall.embed_network import FILE
from plugins.rollcall.faces import VECTOR_BYTES, FaceModel, FaceRequest, FaceResult, Known
from shared.errors import ModelUnavailable
from shared.model import Device, Failure
from tests.plugins.rollcall.classroom import landscape, made_up, pair, portrait


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return FaceModel.load(FaceModel.default, Device())


def seen(model: FaceModel, data: bytes, *known: Known, draw: bool = False) -> FaceResult:
    (found,) = model.predict([FaceRequest(data=data, known=list(known), unknown_label="unknown", draw=draw)])
    assert isinstance(found, FaceResult)
    return found


def pixels_of(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def jpeg_of(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def test_a_portrait_holds_one_face_that_a_smaller_and_darker_copy_is_recognized_by(model: FaceModel) -> None:
    first = seen(model, portrait().data)
    (face,) = first.faces
    assert len(face.vector) == VECTOR_BYTES
    assert face.verdict == "unknown"
    assert face.distance is None
    assert 0 <= face.left < face.right <= first.width
    assert 0 <= face.top < face.bottom <= first.height
    copy = jpeg_of((pixels_of(portrait(240).data) * 0.3).astype(np.uint8))
    (again,) = seen(model, copy, Known(7, "Grace", [face.vector]), Known(8, "other", [made_up(8)])).faces
    assert (again.verdict, again.user_id, again.name) == ("known", 7, "Grace")
    assert again.distance is not None
    assert 0 < again.distance < first.threshold


def test_a_stranger_stays_unknown(model: FaceModel) -> None:
    (face,) = seen(model, portrait().data, Known(1, "one", [made_up(1)]), Known(2, "two", [made_up(2)])).faces
    assert (face.verdict, face.user_id, face.near) == ("unknown", None, [])


def test_two_people_who_enrolled_one_face_are_told_as_a_conflict(model: FaceModel) -> None:
    (face,) = seen(model, portrait().data).faces
    known = [Known(1, "one", [face.vector]), Known(2, "two", [face.vector])]
    (again,) = seen(model, portrait(500).data, *known).faces
    assert (again.verdict, again.user_id, again.name) == ("ambiguous", None, "")
    assert {near.user_id for near in again.near} == {1, 2}


def test_a_person_who_is_twice_in_a_picture_is_named_once(model: FaceModel) -> None:
    (face,) = seen(model, portrait().data).faces
    found = seen(model, pair().data, Known(1, "one", [face.vector]))
    assert sorted(each.verdict for each in found.faces) == ["known", "taken"]
    assert found.faces[0].left < found.faces[1].left


def test_sixty_faces_are_found(model: FaceModel) -> None:
    tile = pixels_of(portrait(160).data)
    crowd = np.concatenate([np.concatenate([tile] * 10, 1)] * 6, 0)
    found = seen(model, jpeg_of(crowd), draw=True)
    assert len(found.faces) == 60
    assert not found.many
    assert found.picture.startswith(b"\xff\xd8")


def test_a_picture_turned_by_its_exif_is_turned_back(model: FaceModel) -> None:
    turned = Image.fromarray(pixels_of(portrait().data)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert len(seen(model, jpeg_of(np.array(turned), exif=exif)).faces) == 1


def test_a_picture_without_a_face_comes_back_with_none(model: FaceModel) -> None:
    found = seen(model, landscape().data, draw=True)
    assert found.faces == []
    assert found.picture == b""


def test_noise_and_flat_pictures_hold_no_face(model: FaceModel) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    for pixels in (noise, np.zeros((200, 200, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)):
        assert seen(model, jpeg_of(pixels)).faces == []


def test_bad_files_fail_alone(model: FaceModel) -> None:
    good = portrait().data
    bad = [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", good[: len(good) // 3]]
    answers = model.predict([FaceRequest(data=data, draw=False) for data in [*bad, good]])
    assert all(isinstance(answer, Failure) and answer.refusal for answer in answers[:3])
    assert isinstance(answers[3], FaceResult)
    assert len(answers[3].faces) == 1


def test_a_batch_answers_as_single_requests_do(model: FaceModel) -> None:
    requests = [FaceRequest(data=each.data, draw=False) for each in (pair(), landscape(), portrait())]
    together = model.predict(requests)
    for request, answer in zip(requests, together, strict=True):
        alone = seen(model, request.data)
        assert isinstance(answer, FaceResult)
        assert [face.left for face in answer.faces] == [face.left for face in alone.faces]
        for one, other in zip(answer.faces, alone.faces, strict=True):
            assert np.abs(np.frombuffer(one.vector, "<f4") - np.frombuffer(other.vector, "<f4")).max() < 1e-4


def test_torch_computes_what_dlib_computes(model: FaceModel) -> None:
    pixels = pixels_of(portrait().data)
    box = model.detector.find(pixels).boxes[0]
    chip = model.embedder.aligner.chip(pixels, model.embedder.aligner.points(pixels, box[:4]))
    mirror = np.ascontiguousarray(chip[:, ::-1])
    network = dlib.face_recognition_model_v1(str(packaged(FILE)))
    by_dlib = np.array(network.compute_face_descriptor([chip, mirror])).mean(0)
    assert np.abs(model.embedder.of_chips([chip])[0] - by_dlib).max() < 1e-5


def test_a_file_of_another_network_is_not_read() -> None:
    data = packaged(FILE).read_bytes()
    with pytest.raises(ModelUnavailable):
        tensors(data, [4736, 64, 9999])
    with pytest.raises(ModelUnavailable):
        tensors(data[:100_000], [4736, 64, 9248, 64, 9248, 64, 9248, 64])


def test_of_boxes_on_one_face_the_best_is_kept() -> None:
    boxes = [Scored(0, 0, 10, 10, 0.5), Scored(1, 1, 11, 11, 0.9), Scored(20, 0, 30, 10, 0.1)]
    assert suppressed(boxes) == [boxes[1], boxes[2]]


def test_a_detector_that_is_no_detector_is_refused(tmp_path: Path) -> None:
    (tmp_path / "yunet.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelUnavailable):
        Detector.open(tmp_path / "yunet.onnx", 1)
    with pytest.raises(ModelUnavailable):
        Detector.open(tmp_path / "missing.onnx", 1)
