"""The columns of reviews and of dates are found, and what is unusable is said."""

from datetime import date

import pytest

from plugins.reviews.dates import read_ago, read_date
from plugins.reviews.intake import spread, take_in
from plugins.reviews.model import MAX_REVIEWS
from shared.errors import BadInput
from tests.plugins.reviews.made import reviews, rows_of, table

MADE = rows_of(reviews(30))


@pytest.mark.parametrize("name", ["text", "Review", "評論", "content", "留言"])
def test_the_column_of_reviews_is_known_by_its_name(name: str) -> None:
    long = "a very long description of the place that is no review " * 3
    rows = [(long, text) for _, _, text in MADE]
    assert take_in(table(("about", name), *rows)).column == name


def test_a_column_of_another_name_is_found_by_its_length_and_dates_by_what_they_are() -> None:
    found = take_in(table(("nr", "when", "said"), *MADE))
    assert (found.column, found.date_at) == ("said", 1)
    assert found.days[0] == date(2024, 1, 1)
    assert found.dated == 30


def test_a_column_can_be_named_and_one_that_is_not_there_is_told_with_those_that_are() -> None:
    rows = [(text, "another text that is longer than the review itself") for _, _, text in MADE]
    assert take_in(table(("kurz", "lang"), *rows), "KURZ").text_at == 0
    with pytest.raises(BadInput, match=r"no column nope.*kurz, lang"):
        take_in(table(("kurz", "lang"), *rows), "nope")


def test_rows_without_words_and_repeated_ones_are_counted_and_rows_keep_their_places() -> None:
    rows = [
        *MADE,
        ("30", "2024-01-01", "  "),
        ("31", "2024-01-01", "!!!"),
        ("32", "2024-02-02", MADE[0][2].upper()),
    ]
    found = take_in(table(("id", "date", "review"), *rows))
    assert (found.wordless, found.repeated, len(found.texts)) == (2, 1, 31)
    assert found.at[-1] == 32


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("1", " ")] * 30, "holds no text"),
        ([("1", "the same words")] * 500, "1 different reviews: 20 or more"),
        (list(enumerate(["a nice place"] * 3)), "20 or more"),
    ],
)
def test_too_few_reviews_are_refused(rows: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        take_in(table(("id", "review"), *[(str(one), other) for one, other in rows]))


def test_numbers_alone_are_no_reviews() -> None:
    with pytest.raises(BadInput, match="seems to hold reviews"):
        take_in(table(("a", "b"), *[(str(n), str(n * n)) for n in range(40)]))


def test_of_more_rows_than_can_be_read_an_even_part_is() -> None:
    rows = [(str(at),) for at in range(50_000)]
    read = spread(rows, MAX_REVIEWS)
    assert len(set(read)) == MAX_REVIEWS
    assert (read[0], read[-1]) == (("0",), ("49995",))
    found = take_in(table(("review",), *[(f"the noodles were cold {at}",) for at in range(12_000)]))
    assert (len(found.texts), found.left_out) == (MAX_REVIEWS, 2_000)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-05-31", date(2024, 5, 31)),
        ("2024/5/1 08:30", date(2024, 5, 1)),
        ("2024-05-01T12:00:00Z", date(2024, 5, 1)),
        ("2024年5月1日", date(2024, 5, 1)),
        ("113/05/01", date(2024, 5, 1)),
        ("20240501", date(2024, 5, 1)),
        ("1714521600", date(2024, 5, 1)),
        ("1714521600000", date(2024, 5, 1)),
        ("3/4/2024", None),
        ("2024-13-01", None),
        ("24/05/01", None),
        ("yesterday", None),
        ("", None),
        ("9" * 40, None),
    ],
)
def test_dates_begin_with_the_year(text: str, day: date | None) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("3 weeks ago", 21),
        ("a month ago", 30),
        ("2 個月前", 60),
        ("1 年前", 365),
        ("5 小時前", 0),
        ("兩週前", 14),
    ],
)
def test_how_long_ago_a_review_was_is_read(text: str, days: int) -> None:
    today = date(2024, 12, 31)
    found = read_ago(text, today)
    assert found is not None
    assert abs((today - found).days - days) <= 1
    assert read_ago("good", today) is None
    assert read_ago("99999999999 years ago", today) is None
