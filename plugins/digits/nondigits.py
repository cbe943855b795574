"""Makes images that hold no digit, and printed digits, to train with beside handwritten ones.

Letters of fonts and of stroke fonts that are bent as hands do, signs, shapes, scribbles, textures and patches of
pictures. All are 28 x 28, ink bright on dark, as the finder would hand them over. Imported by the trainer only.
"""

import math
import string
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from plugins.digits.centring import centred, settled, unit

LETTERS: Final = string.ascii_letters
SIGNS: Final = "&@#?!%+=<>()[]{}*/~^$€£Ωλπδψ"
ROUND: Final = "lIOo"
"""Letters that are a digit in some hands and fonts: half as often as the others."""
DRAWN: Final = 64
"""Pixels of the side in which things are drawn before they are made small."""
STROKES: Final = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
TEXT_FONTS: Final = (
    "DejaVuSans*",
    "DejaVuSerif*",
    "STIXGeneral*",
    "cmr10*",
    "cmss10*",
    "cmti10*",
    "cmb10*",
    "cmtt10*",
)
Random = np.random.Generator
Image28 = NDArray[np.uint8]
Grey = NDArray[np.float32]


def packaged_fonts() -> list[Path]:
    """Return the text fonts that matplotlib carries, with Latin letters and digits."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        return []
    folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
    return sorted(
        path for pattern in TEXT_FONTS for path in folder.glob(pattern) if "Display" not in path.name
    )


def letters(count: int, fonts: Sequence[Path], random: Random) -> Image28:
    """Return `count` images of single letters and signs."""
    weights = np.array([0.5 if c in ROUND else 1.0 for c in LETTERS] + [0.4] * len(SIGNS))
    chosen = random.choice(list(LETTERS + SIGNS), count, p=weights / weights.sum())
    return _written([str(c) for c in chosen], fonts, random)


def printed_digits(count: int, fonts: Sequence[Path], random: Random) -> tuple[Image28, NDArray[np.int64]]:
    """Return `count` images of digits of fonts, and which they are."""
    labels = random.integers(0, 10, count)
    return _written([str(label) for label in labels], fonts, random), labels


def others(count: int, pictures: Sequence[NDArray[np.uint8]], random: Random) -> Image28:
    """Return `count` images of shapes, scribbles, textures, noise and patches of `pictures` (height x width x 3)."""
    makers: list[Callable[[Random], Grey]] = [
        drawn_shape,
        drawn_shape,
        _scribble,
        _texture,
        _leaves,
        _noise,
        _several,
    ]
    if pictures:
        makers += [lambda r: _patch(pictures[int(r.integers(len(pictures)))], r)] * 3
    return np.stack(
        [_as_found(makers[int(random.integers(len(makers)))](random), random) for _ in range(count)]
    )


def pairs(count: int, digits: Image28, random: Random) -> Image28:
    """Return `count` images of two or three digits side by side: what a crop that was not split looks like."""
    made = []
    for _ in range(count):
        chosen = digits[random.integers(len(digits), size=int(random.choice([2, 2, 2, 3])))]
        row: Grey = np.zeros((SIDE_OF_PAIR, 20 * (len(chosen) + 1)), np.float32)
        left = 0
        for image in chosen:
            columns = np.flatnonzero(image.max(0) > 60)
            cut = (
                image[:, columns[0] : columns[-1] + 1].astype(np.float32) / 255
                if len(columns)
                else image[:, 9:19]
            )
            cut = cut[:, : row.shape[1] - left]
            down = int(random.integers(0, 5))
            place = row[down : down + 28, left : left + cut.shape[1]]
            np.maximum(place, cut, out=place)
            left = max(0, left + cut.shape[1] - int(random.integers(-1, 4)))
        made.append(centred(row))
    return _bytes(np.stack(made))


SIDE_OF_PAIR: Final = 34


def _written(texts: Sequence[str], fonts: Sequence[Path], random: Random) -> Image28:
    faces = [ImageFont.truetype(str(path), 40) for path in fonts]
    out = []
    for text in texts:
        at = int(random.integers(len(faces) + len(STROKES)))
        grey = (
            _stroked(text, STROKES[at - len(faces)], random)
            if at >= len(faces)
            else _typeset(text, faces[at])
        )
        # A font may lack the sign, and a stroke font draws only ASCII.
        if grey.max() < 0.2:
            grey = _typeset(text, faces[at % len(faces)]) if faces else _stroked("?", STROKES[0], random)
        out.append(centred(_bent(grey, random)))
    return _bytes(np.stack(out))


def _typeset(text: str, face: ImageFont.FreeTypeFont) -> Grey:
    image = Image.new("L", (DRAWN, DRAWN), 0)
    ImageDraw.Draw(image).text((DRAWN / 2, DRAWN / 2), text, fill=255, font=face, anchor="mm")
    return unit(np.asarray(image))


def _stroked(text: str, face: int, random: Random) -> Grey:
    image = np.zeros((DRAWN, DRAWN), np.uint8)
    thick = int(random.integers(2, 7))
    (wide, high), _ = cv2.getTextSize(text, face, 1.5, thick)
    cv2.putText(image, text, ((DRAWN - wide) // 2, (DRAWN + high) // 2), face, 1.5, 255, thick, cv2.LINE_AA)
    return unit(image)


def _bent(grey: Grey, random: Random) -> Grey:
    """Turn, slant and wave a drawing, and change the weight of its strokes."""
    side = grey.shape[0]
    turn = random.normal(0, 8) * math.pi / 180
    slant, wide, high = (
        random.normal(0, 0.15),
        math.exp(random.normal(0, 0.12)),
        math.exp(random.normal(0, 0.08)),
    )
    c, s = math.cos(turn), math.sin(turn)
    matrix = np.array([[c, -s], [s, c]]) @ np.array([[1, slant], [0, 1]]) @ np.diag([1 / wide, 1 / high])
    field = cv2.resize(
        random.normal(0, random.choice([0.3, 1.5, 3.0]), (4, 4, 2)).astype(np.float32),
        (side, side),
        interpolation=cv2.INTER_CUBIC,
    )
    y, x = np.mgrid[:side, :side].astype(np.float32) - side / 2
    at = np.stack([x, y], -1) @ matrix.T.astype(np.float32) + side / 2 + field
    bent = cv2.remap(grey, at[..., 0].astype(np.float32), at[..., 1].astype(np.float32), cv2.INTER_LINEAR)
    match int(random.integers(4)):
        case 0:
            bent = cv2.dilate(bent, np.ones((3, 3)))
        case 1:
            bent = cv2.GaussianBlur(bent, (0, 0), 1.2)
        case _:
            pass
    return np.asarray(bent, np.float32)


def _as_found(grey: Grey, random: Random) -> Image28:
    """Bring a drawing to 28 x 28 as either door does: as ink that was cut out and centred, or as it is."""
    if random.random() < 0.6:
        return _bytes(centred(grey))
    small = cv2.resize(grey, (28, 28), interpolation=cv2.INTER_AREA)
    return _bytes(settled(_bytes(np.asarray(small, np.float32))[None])[0])


def _bytes(images: Grey) -> Image28:
    return np.asarray(np.rint(np.clip(images, 0, 1) * 255), np.uint8)


def drawn_shape(random: Random) -> Grey:
    """Return a drawing of 64 x 64: a box, polygon, disc, star, cross or lines lying flat."""
    image = np.zeros((DRAWN, DRAWN), np.uint8)
    fill = -1 if random.random() < 0.4 else int(random.integers(2, 8))
    middle = [int(v) for v in random.integers(26, 38, 2)]
    size = [int(v) for v in random.integers(8, 26, 2)]
    turn = float(random.uniform(0, 360))
    match int(random.integers(6)):
        case 0:  # a box
            cv2.polylines(image, [_corners(4, size, turn, middle)], True, 255, abs(fill) + 1, cv2.LINE_AA)
            if fill < 0:
                cv2.fillPoly(image, [_corners(4, size, turn, middle)], 255, cv2.LINE_AA)
        case 1:  # a triangle, a polygon
            points = _corners(int(random.choice([3, 3, 5, 6, 7])), size, turn, middle)
            if fill < 0:
                cv2.fillPoly(image, [points], 255, cv2.LINE_AA)
            else:
                cv2.polylines(image, [points], True, 255, fill, cv2.LINE_AA)
        case 2:  # a disc; a ring would be a zero
            cv2.ellipse(image, middle, [max(10, v) for v in size], turn, 0, 360, 255, -1, cv2.LINE_AA)
        case 3:  # a star
            outer, inner = (
                _corners(5, size, turn, middle),
                _corners(5, [v // 2 for v in size], turn + 36, middle),
            )
            points = np.stack([outer, inner], 1).reshape(-1, 2)
            cv2.fillPoly(image, [points], 255, cv2.LINE_AA)
        case 4:  # a cross, an arrow
            for end in _corners(int(random.choice([3, 4, 5])), size, turn, middle):
                cv2.line(image, middle, [int(v) for v in end], 255, int(random.integers(3, 8)), cv2.LINE_AA)
        case _:  # lines lying flat; upright ones are ones
            for _ in range(int(random.integers(1, 4))):
                y, x = random.integers(8, 56, 2)
                lean = int(random.integers(-6, 7))
                start, end = (int(x) // 3, int(y)), (40 + int(x) // 3, int(y) + lean)
                cv2.line(image, start, end, 255, int(random.integers(2, 7)), cv2.LINE_AA)
    return unit(image)


def _corners(count: int, size: Sequence[int], turn: float, middle: Sequence[int]) -> NDArray[np.int32]:
    angles = np.deg2rad(turn) + np.arange(count) * 2 * math.pi / count
    points = np.stack([np.cos(angles) * size[0], np.sin(angles) * size[1]], 1) + np.array(middle)
    return np.asarray(np.rint(points), np.int32)


def _scribble(random: Random) -> Grey:
    image = np.zeros((DRAWN, DRAWN), np.uint8)
    knots = random.uniform(8, 56, (int(random.integers(5, 14)), 2)).astype(np.float32)
    smooth = cv2.resize(knots[None], (60, 1), interpolation=cv2.INTER_CUBIC)[0]
    points = np.asarray(np.rint(smooth), np.int32)
    cv2.polylines(image, [points], False, 255, int(random.integers(2, 6)), cv2.LINE_AA)
    return unit(image)


def _several(random: Random) -> Grey:
    """Return dots, ticks or a piece of a grid."""
    image = np.zeros((DRAWN, DRAWN), np.uint8)
    if random.random() < 0.5:
        for x, y in random.integers(6, 58, (int(random.integers(3, 14)), 2)):
            cv2.circle(image, (int(x), int(y)), int(random.integers(1, 6)), 255, -1, cv2.LINE_AA)
    else:
        step, thick, off = int(random.integers(9, 22)), int(random.integers(1, 5)), int(random.integers(9))
        image[off::step] = 255
        if random.random() < 0.7:
            image[:, off::step] = 255
        if thick > 1:
            image = np.asarray(cv2.dilate(image, np.ones((thick, thick))), np.uint8)
    return unit(image)


def _texture(random: Random) -> Grey:
    """Return noise whose power falls with its frequency, as that of photographs does."""
    frequency = np.hypot(np.fft.fftfreq(DRAWN)[:, None], np.fft.fftfreq(DRAWN)[None]) + 1 / DRAWN
    spectrum = np.fft.fft2(random.normal(size=(DRAWN, DRAWN))) / frequency ** random.uniform(0.5, 2.0)
    return _stretched(np.fft.ifft2(spectrum).real)


def _leaves(random: Random) -> Grey:
    """Return flat pieces that hide each other: the edges of a photograph (Lee, Mumford & Huang 2001)."""
    image = np.full((DRAWN, DRAWN), random.integers(256), np.uint8)
    for _ in range(int(random.integers(4, 30))):
        x, y = (int(v) for v in random.integers(0, DRAWN, 2))
        size = [int(v) for v in random.integers(3, 26, 2)]
        shade = int(random.integers(256))
        if random.random() < 0.5:
            cv2.ellipse(image, (x, y), size, float(random.uniform(0, 180)), 0, 360, shade, -1, cv2.LINE_AA)
        else:
            cv2.fillPoly(
                image, [_corners(4, size, float(random.uniform(0, 360)), (x, y))], shade, cv2.LINE_AA
            )
    return _stretched(image)


def _noise(random: Random) -> Grey:
    grain = int(random.choice([28, 28, 14, 7, 4]))
    noise = random.random((grain, grain)) ** random.uniform(0.5, 4)
    return np.asarray(
        cv2.resize(noise.astype(np.float32), (DRAWN, DRAWN), interpolation=cv2.INTER_NEAREST), np.float32
    )


def _patch(picture: NDArray[np.uint8], random: Random) -> Grey:
    high, wide = picture.shape[:2]
    side = int(min(high, wide) * random.uniform(0.05, 1.0))
    side = max(16, min(side, high, wide))
    top, left = int(random.integers(0, high - side + 1)), int(random.integers(0, wide - side + 1))
    grey = picture[top : top + side, left : left + side].astype(np.float32).mean(2)
    small = _stretched(cv2.resize(grey, (DRAWN, DRAWN), interpolation=cv2.INTER_AREA))
    if random.random() < 0.5:
        return small
    # As a threshold would cut it.
    cut = random.uniform(0.3, 0.7)
    return np.asarray(np.where(small > cut, small, 0), np.float32)


def _stretched(values: NDArray[np.generic]) -> Grey:
    grey = np.asarray(values, np.float32)
    low, high = float(grey.min()), float(grey.max())
    return np.asarray((grey - low) / max(high - low, 1e-6), np.float32)
