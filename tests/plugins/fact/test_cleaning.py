"""Cleaning takes out what tells the publisher, keeps every place, and does nothing the second time."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugins.fact.cleaning import LINK, clean, title_end

ARTICLE = """Bridge Opens Again | The Daily Example

WASHINGTON (AP) — The bridge was opened on Monday.
By Somebody Writing
Follow us on Facebook for more
Read it at http://example.org/a?b=c or dailyexample.com, or ask @reporter.

© 2020 The Daily Example. All rights reserved."""

# fmt: off
PIECES = st.sampled_from(
    [
        "https://t.co/abc", "www.site.com/x", "news.bbc.co.uk", "@name", "a@b.org", "LONDON, Jan 5 (Reuters) - ",
        "(CNN) ", "DENVER, COLORADO -- ", "\n", " ", "By Jane Doe", "Published: 3 May 2020", "Follow us on X",
        "Cookie Policy", "Title | Site", "Title - Some Site", "記者王小明", "（中央社台北5日電）", "word", "WORD", ".",
        "—", LINK, "\t", "İ", "\u2028",
    ]
)
# fmt: on
TEXTS = st.one_of(
    st.text(max_size=80), st.lists(PIECES, max_size=14).map("".join), st.lists(PIECES).map(" ".join)
)


@given(TEXTS)
@example(ARTICLE)
@settings(deadline=None)
def test_cleaning_keeps_the_length_and_only_ever_writes_spaces(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned.text) == len(cleaned.kept) == len(text)
    assert all(c in (" ", was) for c, was in zip(cleaned.text, text, strict=True))
    assert all(c in (" ", was, LINK) for c, was in zip(cleaned.kept, text, strict=True))
    assert text.count("\n") == cleaned.text.count("\n")


@given(TEXTS)
@example(ARTICLE)
@settings(deadline=None)
def test_cleaning_twice_does_no_more_than_cleaning_once(text: str) -> None:
    once = clean(text)
    again = clean(once.text)
    assert again.text == once.text
    assert not again.marked


def test_what_tells_the_publisher_is_gone_and_the_rest_is_where_it_was() -> None:
    cleaned = clean(ARTICLE).text
    for mark in ("Daily", "WASHINGTON", "AP", "Somebody", "Facebook", "example", "reporter", "©", "rights"):
        assert mark not in cleaned
    for kept in ("Bridge Opens Again", "The bridge was opened on Monday.", "Read it at"):
        assert cleaned.index(kept) == ARTICLE.index(kept)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("LONDON, Jan 5 (Reuters) - Rain fell.", "Rain fell."),
        ("DENVER, COLORADO - Rain fell.", "Rain fell."),
        ("NEW YORK (CNN Business) -- Rain fell.", "Rain fell."),
        ("(CNN) Rain fell.", "Rain fell."),
        ("（中央社台北5日電）下雨了。", "下雨了。"),
        ("(CNN) PARIS — ROME — Rain fell.", "Rain fell."),
        ("COVID-19 cases rise", "COVID-19 cases rise"),
        ("NASA says it will rain - maybe", "NASA says it will rain - maybe"),
        ("USA TODAY reports rain", "USA TODAY reports rain"),
    ],
)
def test_datelines_go_and_what_resembles_them_stays(text: str, left: str) -> None:
    assert clean(text).text.strip() == left


@pytest.mark.parametrize(
    ("text", "domains", "handles"),
    [
        ("see https://t.co/YAS. and WWW.Example.org/x", ("t.co", "example.org"), ()),
        ("pic.twitter.com/abc by @WHO and @who", ("pic.twitter.com",), ("@who", "@who")),
        ("read bbc.co.uk/news, not a.b or e.g. this", ("bbc.co.uk",), ()),
        ("mail me@example.org", (), ()),
        ("https://例子.tw/新聞", ("例子.tw",), ()),
        ("3.5 percent @ 10 a.m.", (), ()),
    ],
)
def test_links_and_handles_are_counted(text: str, domains: tuple[str, ...], handles: tuple[str, ...]) -> None:
    cleaned = clean(text)
    assert (cleaned.domains, cleaned.handles) == (domains, handles)


def test_a_post_of_one_line_is_not_dropped_for_a_phrase_of_boilerplate() -> None:
    assert "newsletter" in clean("Sign up for the newsletter on how masks help").text


def test_the_title_ends_where_the_first_line_does() -> None:
    assert title_end("\n Title \nbody") == len("\n Title ")
    assert title_end("one line") == title_end("one line\n \n") == title_end("") == 0


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "A. " * 70_000, "a@" * 100_000, "www." * 50_000, "\nBy A" * 40_000]
)
def test_long_texts_are_cleaned_in_a_moment(text: str) -> None:
    # Quadratic code would take minutes here, and the run's own time limit would end it.
    assert len(clean(text).text) == len(text)
