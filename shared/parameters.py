"""Checks what people sent against a command's parameters, and makes the clean values that the plugin gets.

Everything here comes from outside: sizes are bounded before anything is read, kinds are told by first bytes,
a picture's pixels are counted from its header and never decoded here.
"""

import csv
import io
import re
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Protocol

from PIL import Image as Pillow

from shared.addresses import address_in
from shared.charsets import decode
from shared.columns import is_remark, titles_above
from shared.command import MAX_TEXT, Command, Parameter
from shared.errors import AllRefused, BadInput
from shared.inputs import MAX_ARTICLE, Article, Channel, Image, Person, Role, Table, Upload

Raw = str | int | float | bool | Upload | Channel | Role | Person | tuple[Upload | BadInput, ...]
"""A value as it came in: typed by chat, or a string from the command line. Of several files, one may have been refused
before it was read."""

MAX_ROWS: Final = 50_000
MAX_COLUMNS: Final = 200
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_HEIF: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_HEIF_HEAD: Final = 1 << 18
"""Bytes in which a HEIC file tells its size."""


@dataclass(frozen=True)
class Limits:
    """Bounds of what a person may send: bytes of one file, pixels of one picture."""

    bytes: int
    pixels: int


@dataclass(frozen=True)
class Checked:
    """The arguments for `command.run`, and why some of several pictures are not among them."""

    values: dict[str, Any]
    refused: tuple[BadInput, ...] = ()


class Sources(Protocol):
    """Where articles come from beside chat; see `shared.articles`."""

    async def address(self, url: str) -> Article:
        """Return the article at an address. Raises `Refusal`."""
        ...

    async def file(self, upload: Upload) -> Article:
        """Return the article in a file, of bounded size. Raises `Refusal`."""
        ...


async def check(
    command: Command, raw: Mapping[str, Raw | None], limits: Limits, sources: Sources | None = None
) -> Checked:
    """Return the arguments for `command.run`. Raises `BadInput`, whose text names the parameter and the remedy.

    Of several pictures, those that cannot be read do not take the others with them.
    """
    known = {p.name for p in command.parameters}
    if unknown := sorted(set(raw) - known):
        raise BadInput("There is no option named {name}.", name=unknown[0][:40])
    values: dict[str, Any] = {}
    refused: list[BadInput] = []
    for parameter in command.parameters:
        given = raw.get(parameter.name)
        if given is None:
            if parameter.required:
                raise BadInput("The option {name} is missing.", name=parameter.name)
            values[parameter.name] = parameter.default
        elif parameter.kind == "images":
            values[parameter.name], unread = _images(parameter, given, limits)
            refused += unread
        else:
            values[parameter.name] = await _value(
                parameter, given, limits, sources, _longest(command, parameter)
            )
    return Checked(values, tuple(refused))


def _longest(command: Command, parameter: Parameter) -> int:
    """Return how long a text may be: what a button of ours holds may be longer than what Discord lets people type."""
    return int(parameter.maximum) if command.hidden and parameter.maximum else MAX_TEXT


async def _value(
    parameter: Parameter, given: Raw, limits: Limits, sources: Sources | None, longest: int
) -> Any:
    match parameter.kind:
        case "integer" | "number":
            return _number(parameter, given)
        case "flag":
            return _flag(parameter, given)
        case "choice":
            for choice in parameter.choices:
                if str(given) == str(choice):
                    return choice
            choices = ", ".join(map(str, parameter.choices))
            raise BadInput("{name} must be one of: {choices}.", name=parameter.name, choices=choices)
        case "text" | "long_text":
            return _text(parameter, given, limits, longest)
        case "article":
            return await _article(parameter, given, limits, sources)
        case "channel":
            return _chosen(parameter, given, Channel, "#")
        case "role":
            return _chosen(parameter, given, Role, "@&")
        case "person":
            return _chosen(parameter, given, Person, "@")
        case "image":
            uploads = given if isinstance(given, tuple) else (given,)
            return read_image(_upload(parameter, uploads[0] if uploads else given), limits)
        case "table":
            return read_table(_upload(parameter, given), limits, parameter.columns)


def _images(parameter: Parameter, given: Raw, limits: Limits) -> tuple[tuple[Image, ...], list[BadInput]]:
    uploads = given if isinstance(given, tuple) else (given,)
    if not 1 <= len(uploads) <= 10:
        raise BadInput("Send one to ten pictures.")
    read: list[Image] = []
    refused: list[BadInput] = []
    for upload in uploads:
        try:
            read.append(read_image(_upload(parameter, upload), limits))
        except BadInput as error:
            refused.append(error)
    if not read:
        raise refused[0] if len(refused) == 1 else AllRefused(refused)
    return tuple(read), refused


async def _article(parameter: Parameter, given: Raw, limits: Limits, sources: Sources | None) -> Article:
    if isinstance(given, Upload) and sources is not None:
        _bounded(given, limits)
        article = await sources.file(given)
    else:
        text = _text(parameter, given, limits, MAX_ARTICLE)
        address = None if isinstance(given, Upload) else address_in(text)
        if address is None:
            return Article(text, source="file" if isinstance(given, Upload) else "text")
        if sources is None:
            raise BadInput("Addresses cannot be fetched here: paste the text itself.")
        article = await sources.address(address)
    _of_length(parameter, article.text, MAX_ARTICLE)
    return article


def _chosen(
    parameter: Parameter, given: Raw, kind: type[Channel] | type[Role] | type[Person], sign: str
) -> Channel | Role | Person:
    """Return what was chosen from a list of chat's; the command line names it by its id."""
    if isinstance(given, kind):
        return given
    found = re.fullmatch(rf"(?:<{sign})?(\d{{1,20}})>?", str(given))
    if found is None or int(found[1]) >= 2**63:
        raise BadInput("{name} must be the id of a {kind}.", name=parameter.name, kind=kind.__name__.lower())
    return kind(int(found[1]), found[1])


def _number(parameter: Parameter, given: Raw) -> int | float:
    try:
        value = int(str(given)) if parameter.kind == "integer" else float(str(given))
    except ValueError:
        raise BadInput("{name} must be a number.", name=parameter.name) from None
    low, high = parameter.minimum, parameter.maximum
    if value != value or (low is not None and value < low) or (high is not None and value > high):
        match low, high:
            case None, _:
                raise BadInput("{name} must be at most {high:g}.", name=parameter.name, high=high)
            case _, None:
                raise BadInput("{name} must be at least {low:g}.", name=parameter.name, low=low)
            case _:
                raise BadInput(
                    "{name} must be between {low:g} and {high:g}.", name=parameter.name, low=low, high=high
                )
    return value


def _flag(parameter: Parameter, given: Raw) -> bool:
    match str(given).lower():
        case "true" | "yes" | "on" | "1":
            return True
        case "false" | "no" | "off" | "0":
            return False
    raise BadInput("{name} must be yes or no.", name=parameter.name)


def clean_text(text: str) -> str:
    """Take out what nobody can see and programs trip over: NUL and control characters, lone surrogates."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(
        " " if c == "\0" else c for c in text if c in "\n\t\0" or unicodedata.category(c) not in ("Cc", "Cs")
    ).strip()


def _text(parameter: Parameter, given: Raw, limits: Limits, longest: int) -> str:
    if isinstance(given, Upload):
        given = _decode(_upload(parameter, given), limits)
    text = clean_text(str(given))
    if not text or not any(unicodedata.category(c)[0] not in "ZC" for c in text):
        raise BadInput("The text is empty: write or paste something to read.")
    _of_length(parameter, text, longest)
    return text


def _of_length(parameter: Parameter, text: str, longest: int) -> None:
    longest = min(longest, int(parameter.maximum)) if parameter.maximum else longest
    if len(text) > longest:
        raise BadInput(
            "The text has {length:,} characters; at most {longest:,} can be read.",
            length=len(text),
            longest=longest,
        )
    if parameter.minimum and len(text) < parameter.minimum:
        raise BadInput("The text is too short: at least {shortest:g} characters.", shortest=parameter.minimum)


def _decode(upload: Upload, limits: Limits) -> str:
    _bounded(upload, limits)
    if (text := decode(upload.data)) is not None:
        return text
    raise BadInput("{file} is not a text file: save it as UTF-8.", file=upload.name)


def _upload(parameter: Parameter, given: Raw | BadInput) -> Upload:
    if isinstance(given, BadInput):
        raise given
    if not isinstance(given, Upload):
        raise BadInput("{name} must be a file.", name=parameter.name)
    return given


def _bounded(upload: Upload, limits: Limits) -> None:
    if not upload.data:
        raise BadInput("{file} is empty (0 bytes).", file=upload.name)
    if len(upload.data) > limits.bytes:
        raise BadInput("{file} is larger than {limit} MiB.", file=upload.name, limit=limits.bytes // 2**20)


def read_image(upload: Upload, limits: Limits) -> Image:
    """Check that a file is a picture of a known kind and of allowed size. Raises `BadInput`."""
    _bounded(upload, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            if (heif := _heif(upload.data)) is not None:
                kind, (width, height) = "HEIF", heif
            else:
                with Pillow.open(io.BytesIO(upload.data), formats=_FORMATS) as header:
                    kind, (width, height) = str(header.format), header.size
    except (Pillow.DecompressionBombWarning, Pillow.DecompressionBombError):
        raise BadInput("{file} has too many pixels: make it smaller.", file=upload.name) from None
    # Pillow raises whatever its parsers raise on a broken header.
    except Exception:
        raise BadInput(
            "{file} is not a picture that can be read: send PNG, JPEG, WebP, GIF, BMP or TIFF.",
            file=upload.name,
        ) from None
    if not width * height:
        raise BadInput("{file} is a picture of no size.", file=upload.name)
    if width * height > limits.pixels:
        raise BadInput("{file} has too many pixels: make it smaller.", file=upload.name)
    return Image(upload.data, kind, width, height, upload.name)


def _heif(data: bytes) -> tuple[int, int] | None:
    """Return the size that a HEIC file states (its largest image), or None for another kind of file.

    Its boxes are not parsed here: the library for that is large, and native. ISO/IEC 23008-12, 6.5.3.
    """
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIF or find_spec("pillow_heif") is None:
        return None
    head, sizes, at = data[:_HEIF_HEAD], [], -1
    while (at := head.find(b"ispe", at + 1)) >= 0 and len(head) >= at + 16:
        sizes.append((int.from_bytes(head[at + 8 : at + 12]), int.from_bytes(head[at + 12 : at + 16])))
    return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


def read_table(upload: Upload, limits: Limits, named: Sequence[str] = ()) -> Table:
    """Read a CSV file with a header line. Raises `BadInput`.

    Where the header is known to have the columns `named`, titles above it and remarks below the rows are left out.
    """
    text = _decode(upload, limits)
    try:
        above = titles_above(text, named)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        while reader.line_num < above:
            next(reader)
        columns = tuple(name.strip() for name in next(reader, []))
        rows: list[tuple[str, ...]] = []
        for row in reader:
            if not row or (named and is_remark(row, len(columns))):
                continue
            if len(row) != len(columns):
                raise BadInput(
                    "{file}, line {line}: {found} values where the header has {wanted}.",
                    file=upload.name, line=reader.line_num, found=len(row), wanted=len(columns),
                )  # fmt: skip
            if len(rows) == MAX_ROWS:
                raise BadInput("{file} has more than {rows:,} rows.", file=upload.name, rows=MAX_ROWS)
            rows.append(tuple(row))
    except csv.Error:
        raise BadInput(
            "{file} is not a CSV table: look for a quotation mark that is not closed, or save it as CSV anew.",
            file=upload.name,
        ) from None
    if not columns or not rows or len(columns) > MAX_COLUMNS or len(set(columns)) < len(columns):
        raise BadInput(
            "{file} needs a header line with at most {columns} different names, and rows below it.",
            file=upload.name, columns=MAX_COLUMNS,
        )  # fmt: skip
    return Table(columns, tuple(rows), upload.name, above)
