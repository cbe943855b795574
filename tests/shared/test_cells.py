"""No cell of a table that people get back is computed by a spreadsheet, and everything else stays as it was."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.cells import as_sheet, harmless

SIGNS = "=+-@|%＝＋－＠｜％﹢﹣﹦﹫\u2212"
# Written out, not taken from the guard: what Excel, LibreOffice or Sheets may drop before they look at a cell.
STRIPPED = " \u00a0\u2003\u3000\u200b\u200e\u2060\ufeff\x00\x1b"
ENDS = "\t\r\n"
cells = st.text(st.sampled_from(SIGNS + STRIPPED + ENDS + "a1好'\",;.e") | st.characters(), max_size=8)


def begins_a_formula(cell: str) -> bool:
    return cell.lstrip(STRIPPED).startswith(tuple(SIGNS + ENDS))


@given(st.lists(st.lists(cells, min_size=1, max_size=3), min_size=1, max_size=4))
@example([["\u200b ＝1+1", "\x00=cmd|' /C calc'!A0", "\r\n@x"]])
def test_no_written_cell_begins_with_what_a_spreadsheet_runs(rows: list[list[str]]) -> None:
    data = as_sheet(rows)
    assert data.startswith(b"\xef\xbb\xbf")
    back = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert len(back) == len(rows)
    for written, row in zip(back, rows, strict=True):
        assert not any(map(begins_a_formula, written))
        bare = [cell.encode("utf-8", "replace").decode() for cell in row]
        assert [cell.removeprefix("'") for cell in written] == [cell.removeprefix("'") for cell in bare]


@given(cells)
def test_a_number_apart_no_cell_begins_a_formula_where_numbers_are_kept(cell: str) -> None:
    kept = harmless(cell, numbers=True)
    if begins_a_formula(kept):
        float(kept.strip(" ").replace(",", "").removesuffix("%"))


@pytest.mark.parametrize("cell", ["-73.98", "+5", "-1e-5", "-1,234.50", " -5%"])
def test_a_plain_number_is_kept_only_where_that_is_wanted(cell: str) -> None:
    assert harmless(cell, numbers=True) == cell
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "-1+1",
        "-cmd|' /C calc'!A0",
        "@SUM(1)",
        "\t1",
        "\n-5",
        " ＝1",
        "\ufeff=1",
        "|x",
        "%x",
        "-1,2",
        "-٣",
    ],
)
def test_what_may_be_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert harmless(cell, numbers=True) == f"'{cell}" == harmless(cell)


@pytest.mark.parametrize(
    "cell", ["陳小明", "Ann = Bob", "a-b", "", "  ", "'quoted", "1+1", "5 = five", "好，\n-不好"]
)
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert harmless(cell) == cell
