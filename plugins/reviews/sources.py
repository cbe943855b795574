"""Reads what sources of reviews answer: the official Places API, and the course's endpoint. Authors are not read.

Places API (New), Place Details: https://developers.google.com/maps/documentation/places/web-service/place-details
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import quote

import msgspec

from plugins.reviews.cleaning import LONGEST
from plugins.reviews.dates import read_ago, read_date
from plugins.reviews.settings import ReviewsSettings
from plugins.reviews.tables import ID_LENGTH, LANGUAGE_LENGTH
from shared.polite import Unreadable

PAGE: Final = 10
"""Reviews on a page of the course's endpoint."""
MOST_ON_A_PAGE: Final = 200
MASK: Final = "reviews.name,reviews.rating,reviews.text,reviews.originalText,reviews.publishTime"
_JUNK: Final = 4
"""Characters before the JSON of the course's endpoint, so that no page can run it as a script."""
# Where the course's endpoint has what, in its lists without names.
_REVIEWS, _AGO, _TEXT, _RATING, _ID, _TIME, _LANGUAGE = 2, 1, 3, 4, 10, 27, 32


class Found(msgspec.Struct, frozen=True):
    """A review with words. `exact`: the source names its day, rather than "3 weeks ago"."""

    id: str
    text: str
    rating: int | None
    day: date | None
    language: str
    exact: bool = True


class Page(msgspec.Struct, frozen=True):
    """A page of reviews; `entries` counts those without words too."""

    entries: int
    reviews: list[Found]


class _Text(msgspec.Struct):
    text: str = ""
    language: str = msgspec.field(default="", name="languageCode")


class _Review(msgspec.Struct):
    name: str = ""
    rating: float | None = None
    text: _Text | None = None
    original: _Text | None = msgspec.field(default=None, name="originalText")
    published: str = msgspec.field(default="", name="publishTime")


class _Place(msgspec.Struct):
    reviews: list[_Review] = msgspec.field(default_factory=list)


def address(settings: ReviewsSettings, place: str, page: int) -> str:
    """Return what is asked for a page of a place's reviews; `{start}` is the number of its first review."""
    assert settings.scrape_url is not None, "nothing is scraped without"
    url = settings.scrape_url.replace("{place}", quote(place, safe="!:*'()"))
    return url.replace("{page}", str(page)).replace("{start}", str(page * PAGE))


def headers(settings: ReviewsSettings) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the headers of a request, and those that are secret."""
    if settings.scrape_shape == "maps":
        return {"Accept": "application/json"}, {}
    key = settings.scrape_key
    secret = {"X-Goog-Api-Key": key.get_secret_value()} if key is not None else {}
    return {"Accept": "application/json", "X-Goog-FieldMask": MASK}, secret


def read_places(data: bytes) -> Page:
    """Read an answer of the Places API. Raises `Unreadable`."""
    try:
        found = msgspec.json.decode(data, type=_Place)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(f"what came is no answer of the Places API: {error}") from None
    reviews = []
    for each in found.reviews[:MOST_ON_A_PAGE]:
        said = each.original or each.text
        if said is not None and said.text.strip():
            rating = _rating(each.rating)
            reviews.append(_found(each.name, said.text, rating, read_date(each.published), said.language))
    return Page(len(found.reviews), reviews)


def read_maps(data: bytes, today: date) -> Page:
    """Read a page of the course's endpoint. Raises `Unreadable`."""
    text = data.decode("utf-8", "replace")
    start = text.find("[", 0, 4 * _JUNK)
    try:
        if start < 0:
            raise ValueError("no list after the first characters")
        page = msgspec.json.decode(text[start:].encode())
        if not isinstance(page, list):
            raise ValueError("not a list")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(f"what came is no page of reviews: {error}") from None
    entries = _at(page, _REVIEWS)
    if entries is None:
        return Page(0, [])
    if not isinstance(entries, list):
        raise Unreadable("what came is no page of reviews: they are not where they should be")
    read = [_entry(entry, today) for entry in entries[:MOST_ON_A_PAGE]]
    return Page(len(entries), [each for each in read if each is not None])


def _entry(entry: object, today: date) -> Found | None:
    text = _at(entry, _TEXT)
    if not isinstance(text, str) or not text.strip():
        return None
    time, ago, id, language = (_at(entry, at) for at in (_TIME, _AGO, _ID, _LANGUAGE))
    day = read_date(str(time)) if isinstance(time, int) and not isinstance(time, bool) else None
    exact = day is not None
    if day is None and isinstance(ago, str):
        day = read_date(ago) or read_ago(ago, today)
    return _found(
        id if isinstance(id, str) else "",
        text,
        _rating(_at(entry, _RATING)),
        day,
        language if isinstance(language, str) else "",
        exact=exact,
    )


def _found(
    id: str, text: str, rating: int | None, day: date | None, language: str, *, exact: bool = True
) -> Found:
    shown = text.strip().replace("\0", " ")[:LONGEST].encode("utf-8", "replace").decode()
    # Without an id of its source, a review is the same where it says the same.
    name = id.strip() or hashlib.blake2b(f"{rating} {shown}".encode(), digest_size=16).hexdigest()
    if len(name) > ID_LENGTH:
        name = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return Found(name, shown, rating, day, language[:LANGUAGE_LENGTH], exact)


def _rating(value: object) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= 5:
        return round(value)
    return None


def _at(entry: object, index: int) -> Any:
    return entry[index] if isinstance(entry, list) and len(entry) > index else None
