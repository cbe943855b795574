"""The table back has the topic of each row, and nothing that a spreadsheet would compute."""

from plugins.reviews.export import file_name, written
from plugins.reviews.intake import take_in
from plugins.reviews.model import Clustering, Topic
from tests.plugins.reviews.made import read_csv, reviews, rows_of, table


def test_rows_come_back_in_their_order_with_number_and_name_of_their_topic() -> None:
    rows = [
        ("x", "2024-01-01", ""),
        *rows_of(reviews(20)),
        ("=1+1", "2024-01-01", "@all of it was good, really"),
        ("-73.98", "2024-01-01", "the number in front is one"),
    ]
    intake = take_in(table(("id", "topic", "review"), *rows))
    topics = [0, 1, -1] * 7 + [0]
    found = Clustering(
        topics, [Topic(0, 7, ["a"], [0]), Topic(1, 7, ["b"], [1])], [(0.5, 0.5)] * 22, 1 / 3, b""
    )
    header, *back = read_csv(written(intake, found, ["noodles", "=staff"]))
    assert header == ["id", "topic", "review", "topic_2", "topic_words"]
    assert len(back) == 23
    assert back[0][3:] == ["", ""]
    assert [row[3:] for row in back[1:4]] == [["1", "noodles"], ["2", "'=staff"], ["", ""]]
    assert back[-2][0] == "'=1+1"
    assert back[-2][2].startswith("'@all")
    assert back[-1][0] == "-73.98"


def test_the_file_is_named_after_the_one_that_came() -> None:
    assert file_name("../../cafe.v2.csv") == "cafe.v2-topics.csv"
    assert file_name("") == "reviews-topics.csv"
