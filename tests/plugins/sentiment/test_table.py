"""A table of reviews comes back with two columns more, and what is wrong with one is said."""

import csv
import io

import pytest

from plugins.sentiment.model import SentimentResult
from plugins.sentiment.upload import BINS, written
from shared.charts import Chart, Charts, Drawn, Histogram
from shared.errors import BadInput
from shared.inputs import Table, Upload
from shared.model import Device, Failure
from shared.reply import Reply
from tests.kit.caller import Caller

GLAD = "What a wonderful film, beautifully acted; I loved it and it is one of the best I have seen."
SAD = "A boring, awful waste of time: the worst acting and the dullest story I have ever seen."
GUEST = "房間很髒，服務態度很差，隔音也不好，非常失望，不會再來了。"
FORMULA = '=HYPERLINK("http://example.com")'


def upload(*rows: tuple[str, ...], name: str = "reviews.csv") -> Upload:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return Upload(name, out.getvalue().encode())


def read(reply: Reply) -> list[list[str]]:
    (file,) = reply.files
    assert file.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(file.data.decode("utf-8-sig"), newline="")))


async def test_each_row_gets_its_sentiment_and_the_reply_sums_up(caller: Caller) -> None:
    table = upload(("id", "review"), ("1", GLAD), ("2", SAD), (FORMULA, GUEST), ("-4.5", "  "))
    reply = await caller("sentiment", "table", table=table)
    header, *rows = read(reply)
    assert header == ["id", "review", "sentiment", "probability"]
    assert [row[:2] for row in rows] == [["1", GLAD], ["2", SAD], [f"'{FORMULA}", GUEST], ["-4.5", "  "]]
    assert [row[2] for row in rows] == ["positive", "negative", "negative", ""]
    assert float(rows[0][3]) > 0.9
    assert float(rows[1][3]) < 0.1
    assert rows[3][3] == ""
    assert reply.files[0].name == "reviews-sentiment.csv"
    assert reply.title is not None
    assert "3 reviews" in reply.title
    assert [field.value for field in reply.fields] == ["1 (33.3%)", "2 (66.7%)", "0 (0.0%)"]
    assert "1 row has no text" in reply.text
    most_positive, most_negative = reply.text.split("Most negative")
    assert "wonderful film" in most_positive
    assert "waste of time" in most_negative
    assert reply.pictures[0].data.startswith(b"\x89PNG")
    assert reply.source is not None


async def test_the_summary_is_in_the_asker_s_language(caller: Caller) -> None:
    reply = await caller("sentiment", "table", table=upload(("評論", "分"), (GUEST, "1")), locale="zh-TW")
    assert reply.title is not None
    assert "已判讀 1 則評論" in reply.title
    assert read(reply)[1][2] == "negative"


@pytest.mark.parametrize(
    ("header", "row", "column"),
    [
        (("name", "text"), ("Comment by Ann, who stayed for long", "fine place"), "text"),
        (("a", "b"), ("12345678901234567890", GLAD), "b"),
        (("who", "what they said"), ("ann", SAD), "what they said"),
    ],
)
async def test_the_column_is_found_by_its_name_or_its_length(
    caller: Caller, header: tuple[str, ...], row: tuple[str, ...], column: str
) -> None:
    reply = await caller("sentiment", "table", table=upload(header, row))
    assert f"column {column}" in reply.text


async def test_a_column_can_be_named_in_any_case(caller: Caller) -> None:
    table = upload(("Pro", "Contra"), (GLAD, SAD))
    reply = await caller("sentiment", "table", table=table, column="contra")
    assert read(reply)[1][2] == "negative"


@pytest.mark.parametrize(
    ("rows", "column", "message"),
    [
        ([("pro", "contra"), (GLAD, SAD)], None, "Which column of reviews.csv.*pro, contra"),
        ([("pro", "contra"), (GLAD, SAD)], "price", "no column price. Its columns: pro, contra"),
        ([("id", "text"), ("1", ""), ("2", " ")], None, "The column text holds no text"),
        ([("id", "n"), ("1", "2"), ("2", "3")], None, "Which column"),
        ([(GLAD, SAD)], None, "header line"),
        ([("text",), *(("x",),) * 100_000], None, "more than 50,000 rows"),
    ],
    ids=["two candidates", "unknown", "empty", "numbers", "no header", "too many"],
)  # fmt: skip
async def test_a_table_that_cannot_be_judged_is_refused_in_one_sentence(
    caller: Caller, rows: list[tuple[str, ...]], column: str | None, message: str
) -> None:
    raw = {"table": upload(*rows)} | ({} if column is None else {"column": column})
    with pytest.raises(BadInput, match=message):
        await caller("sentiment", "table", **raw)


async def test_a_thousand_rows_come_back_in_their_order(caller: Caller) -> None:
    rows = [(str(n), GLAD if n % 3 else SAD) for n in range(1000)]
    reply = await caller("sentiment", "table", table=upload(("id", "text"), *rows))
    answers = read(reply)[1:]
    assert [row[0] for row in answers] == [row[0] for row in rows]
    assert [row[2] for row in answers] == ["positive" if n % 3 else "negative" for n in range(1000)]


def test_no_cell_is_a_formula_and_what_is_added_covers_no_column() -> None:
    table = Table(("=text", "sentiment", "sentiment_2"), (("\u200b＝1+1", "mine", "too"),), "a.csv")
    result = SentimentResult(0.000004, "negative", "", [], "en", 1.0)
    header, row = csv.reader(io.StringIO(written(table, [result]).decode("utf-8-sig"), newline=""))
    assert header == ["'=text", "sentiment", "sentiment_2", "sentiment_3", "probability"]
    assert row == ["'\u200b＝1+1", "mine", "too", "negative", "0.0000"]


def test_a_histogram_is_drawn_and_one_without_steps_fails_alone() -> None:
    charts = Charts.load(None, Device())
    good = Histogram(
        title="評論", counts=[0] * (BINS - 1) + [7], low_label="負面", high_label="正面", count_label="則"
    )
    drawn, bad, worse = charts.predict(
        [Chart(good), Chart(Histogram(title="", counts=[])), Chart(Histogram(title="", counts=[1, -1]))]
    )
    assert isinstance(drawn, Drawn)
    assert drawn.png.startswith(b"\x89PNG")
    assert isinstance(bad, Failure)
    assert isinstance(worse, Failure)
