"""A table under titles and over remarks is read where its header is known, and every other as it was."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.columns import TITLES
from shared.errors import BadInput
from shared.inputs import Table, Upload
from shared.parameters import Limits, read_table

NAMED = ("day", "close")


def read(*lines: str, named: tuple[str, ...] = NAMED) -> Table:
    return read_table(Upload("a.csv", "\n".join(lines).encode()), Limits(bytes=10**6, pixels=1), named)


def test_titles_above_and_remarks_below_are_left_out() -> None:
    table = read('"Prices, of one stock"', "", "day,close,", "1,2,", "3,4,", "Remarks:", '"a, b"', "")
    assert table == Table(("day", "close", ""), (("1", "2", ""), ("3", "4", "")), "a.csv", above=2)


def test_a_title_over_two_lines_is_one() -> None:
    table = read('"Prices\nof one stock"', "day,close", "1,2")
    assert (table.columns, table.rows, table.above) == (NAMED, (("1", "2"),), 2)


def test_a_table_whose_header_is_not_known_is_read_as_it_stands() -> None:
    with pytest.raises(BadInput, match="line 2: 2 values where the header has 1"):
        read("title", "day,close", "1,2", named=())
    with pytest.raises(BadInput, match="line 3: 1 values where the header has 2"):
        read("day,close", "1,2", "remark", named=())
    assert read("a,b", "1,2").columns == ("a", "b")


def test_a_row_that_is_short_is_no_remark() -> None:
    with pytest.raises(BadInput, match="line 2: 2 values where the header has 3"):
        read("day,close,open", "1,2")


def test_a_header_far_down_is_not_looked_for() -> None:
    assert read(*["x,y"] * TITLES, "day,close", "1,2").columns == ("x", "y")


@given(st.lists(st.text('ab1價格說明,:; "\n'), max_size=3))
def test_whatever_the_titles_say_the_table_below_is_the_same(titles: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([title] for title in titles)
    if out.getvalue().count("\n") + out.getvalue().count("\r") > TITLES:
        return
    table = read(out.getvalue() + "day,close", "1,2")
    assert (table.columns, table.rows) == (NAMED, (("1", "2"),))
