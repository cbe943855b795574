"""Pictures as people, and others, send them: odd, broken and hostile ones, made when asked for."""

import io
import struct
import zlib

from PIL import Image, ImageDraw


def photo(size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Return a scene in colours: sky, ground, a house."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    pen = ImageDraw.Draw(image)
    wide, high = size
    pen.rectangle((0, high * 0.6, wide, high), fill=(60, 140, 70))
    pen.rectangle((wide * 0.3, high * 0.35, wide * 0.6, high * 0.7), fill=(180, 60, 40))
    pen.polygon(
        [(wide * 0.25, high * 0.35), (wide * 0.65, high * 0.35), (wide * 0.45, high * 0.15)],
        fill=(90, 40, 30),
    )
    return image


def written(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return an image as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def bomb_png(side: int = 30_000) -> bytes:
    """Return a small file that would be gigabytes of pixels."""
    row = zlib.compress(bytes(side + 1) * 64)
    return _png(side, side, row, colour=0)


def truncated_jpeg() -> bytes:
    """Return the first half of a photograph."""
    data = written(photo(), "JPEG")
    return data[: len(data) // 2]


def wrong_size_png() -> bytes:
    """Return a picture whose header says that it is larger than its rows are."""
    return _png(64, 64, zlib.compress(bytes(3 * 8 + 1) * 8))


def long_webp(frames: int = 2_000) -> bytes:
    """Return an animation of many small frames."""
    image = photo((32, 24))
    others = [image.point(lambda value, step=step: (value + step) % 256) for step in (0, 90)]
    return written(
        image, "WEBP", save_all=True, append_images=others * (frames // 2), duration=20, method=0, quality=1
    )


def svg_named_png() -> bytes:
    """Return a drawing in XML."""
    return b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def html_named_png() -> bytes:
    """Return a web page."""
    return b"<!doctype html><html><body><img src=x onerror=alert(1)></body></html>"


def thin_png(length: int = 30_000) -> bytes:
    """Return a line of pixels."""
    return written(Image.new("RGB", (length, 1), (10, 120, 200)))


def one_pixel_png() -> bytes:
    """Return a picture of one pixel."""
    return written(Image.new("RGB", (1, 1), (200, 30, 30)))


def sixteen_bit_png() -> bytes:
    """Return a grey picture of 16 bits a pixel."""
    grey = photo().convert("L")
    return written(
        Image.frombytes("I;16", grey.size, b"".join(bytes((0, value)) for value in grey.tobytes()))
    )


def cmyk_jpeg() -> bytes:
    """Return a photograph as printers have it."""
    return written(photo().convert("CMYK"), "JPEG")


def turned_jpeg(orientation: int = 6) -> bytes:
    """Return a photograph that its EXIF says to turn (1 to 8; 6: a quarter to the right)."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return written(photo(), "JPEG", exif=exif)


def transparent_png() -> bytes:
    """Return a picture half of which is transparent."""
    image = photo().convert("RGBA")
    mask = Image.new("L", image.size, 255)
    ImageDraw.Draw(mask).rectangle((0, 0, image.width // 2, image.height), fill=0)
    image.putalpha(mask)
    return written(image)


def grey_png() -> bytes:
    """Return a grey picture."""
    return written(photo().convert("L"))


def _png(width: int, height: int, rows: bytes, colour: int = 2) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
