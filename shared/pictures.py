"""Decodes pictures from chat, once, where models run: whatever people post becomes rows of red, green and blue.

Imported in the worker, the trainer and the command line only. The bot looks at headers alone; see
`shared.parameters.read_image`.
"""

import io
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from shared.errors import BadInput
from shared.model import Failure

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Pixels: TypeAlias = NDArray[np.uint8]
"""A picture: height × width × 3, RGB."""
FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
MAX_PIXELS: Final = 100_000_000
"""What no picture may have, whatever the settings: 300 MB as RGB."""
MAX_ASPECT: Final = 200
"""How many times longer than wide a picture may be: beyond, shrunk to a network's size, nothing is left of it."""


def decode(data: bytes, longest: int | None = None, ground: tuple[int, int, int] = (255, 255, 255)) -> Pixels:
    """Decode the first frame of a picture, turned as its EXIF says; no side longer than `longest`.

    What is transparent shows `ground`; grey, palette, CMYK and 16-bit pictures become RGB. Raises `BadInput`.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata, and of many pixels, which are counted here.
            warnings.simplefilter("ignore")
            with open_picture(data) as image:
                return _pixels(image, longest, ground)
    except BadInput:
        raise
    except Image.DecompressionBombError:
        raise BadInput("The picture has too many pixels: make it smaller.") from None
    # Pillow raises whatever its parsers raise on broken data.
    except Exception:
        raise BadInput("The picture is damaged or cut short: save it again as PNG or JPEG.") from None


def decode_all(items: Sequence[bytes], longest: int | None = None) -> list[Pixels | Failure]:
    """Decode each picture of a batch; one that cannot be read is a refusal in its place."""
    return [_decoded(data, longest) for data in items]


def encode(pixels: Pixels, kind: Literal["png", "jpeg", "webp"] = "png", quality: int = 88) -> bytes:
    """Write a picture as a file; `quality` is for JPEG and WebP."""
    out = io.BytesIO()
    # Level 6, Pillow's default, takes four times as long as 1 for files a tenth smaller.
    options: dict[str, int] = {"compress_level": 1} if kind == "png" else {"quality": quality}
    Image.fromarray(pixels).save(out, kind.upper(), **options)
    return out.getvalue()


def open_picture(data: bytes) -> "ImageFile":
    """Open a picture of an allowed kind; only its header is read. Raises whatever Pillow does."""
    if data[4:8] == b"ftyp":
        allow_heif()
        return Image.open(io.BytesIO(data), formats=[*FORMATS, *(["HEIF"] if "HEIF" in Image.OPEN else [])])
    return Image.open(io.BytesIO(data), formats=FORMATS)


def allow_heif() -> None:
    """Have Pillow read HEIC, where the library for it is installed (the extra `heic`)."""
    if find_spec("pillow_heif") is not None and "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)


def _decoded(data: bytes, longest: int | None) -> Pixels | Failure:
    try:
        return decode(data, longest)
    except BadInput as error:
        return Failure(error.text.msgid, refusal=True)


def _pixels(image: "ImageFile", longest: int | None, ground: tuple[int, int, int]) -> Pixels:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadInput("The picture has too many pixels: make it smaller.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadInput("The picture is a mere line: send one that is less long and narrow.")
    if longest and image.format == "JPEG":
        # The decoder itself can halve, which spares most of the work on large photographs.
        image.draft(None, (min(width, longest), min(height, longest)))
    image.load()
    turned: Image.Image = image
    # Broken EXIF says nothing on how the picture lies.
    with suppress(Exception):
        turned = ImageOps.exif_transpose(image)
    plain = _rgb(turned, longest, ground)
    return np.array(plain, dtype=np.uint8)


def _rgb(image: Image.Image, longest: int | None, ground: tuple[int, int, int]) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _eight_bit(image)
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode not in ("RGB", "RGBA", "L", "LA"):
        image = image.convert("RGBA" if image.mode in ("La", "RGBa") else "RGB")
    if longest and max(image.size) > longest:
        image.thumbnail((longest, longest), Image.Resampling.BICUBIC, reducing_gap=2.0)
    if image.mode in ("RGBA", "LA"):
        behind = Image.new("RGBA", image.size, (*ground, 255))
        image = Image.alpha_composite(behind, image.convert("RGBA"))
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring grey of more than 8 bits to 8: 16-bit files by their range, others by what is in them."""
    values = np.asarray(image, dtype=np.float64)
    values = np.where(np.isfinite(values), values, 0.0)
    low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else (values.min(), values.max())
    if low >= 0 and high <= 65535 and high > 255:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255.0 / max(high - low, 1e-9))
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
