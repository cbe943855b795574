"""Photos as cameras and chats spoil them: what faces are also judged on, made from the photos that are there.

Imported by the trainer only: it needs OpenCV.
"""

from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np

from shared.pictures import Pixels


def _shrunk(pixels: Pixels, face: float, wide: float) -> Pixels:
    factor = wide / face
    size = tuple(max(8, round(each * factor)) for each in pixels.shape[1::-1])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _light(pixels: Pixels, slope: float, shift: float) -> Pixels:
    return np.asarray(np.clip(pixels * slope + shift, 0, 255), np.uint8)


def _noisy(pixels: Pixels) -> Pixels:
    noise = np.random.default_rng(3).normal(0, 25, pixels.shape)
    return np.asarray(np.clip(pixels + noise, 0, 255), np.uint8)


def _poor(pixels: Pixels) -> Pixels:
    _, written = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 12])
    return np.asarray(cv2.imdecode(written, cv2.IMREAD_COLOR), np.uint8)


def _turned(pixels: Pixels, degrees: float) -> Pixels:
    high, wide = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(pixels, matrix, (wide, high), borderMode=cv2.BORDER_REFLECT), np.uint8)


def _half_lit(pixels: Pixels) -> Pixels:
    ramp = np.where(np.arange(pixels.shape[1]) < pixels.shape[1] / 2, 0.25, 1.0)
    return np.asarray(pixels * ramp[None, :, None], np.uint8)


VARIANTS: Final[Mapping[str, Callable[[Pixels, float], Pixels]]] = {
    # Each takes the picture and the width of its face in pixels.
    "dark": lambda pixels, face: _light(pixels, 0.25, 0),
    "overexposed": lambda pixels, face: _light(pixels, 1.6, 40),
    "lit from one side": lambda pixels, face: _half_lit(pixels),
    "blurred": lambda pixels, face: np.asarray(cv2.GaussianBlur(pixels, (0, 0), face / 50), np.uint8),
    "noisy": lambda pixels, face: _noisy(pixels),
    "JPEG of quality 12": lambda pixels, face: _poor(pixels),
    "turned by 20°": lambda pixels, face: _turned(pixels, 20),
    "face of 60 pixels": lambda pixels, face: _shrunk(pixels, face, 60),
    "face of 40 pixels": lambda pixels, face: _shrunk(pixels, face, 40),
}
