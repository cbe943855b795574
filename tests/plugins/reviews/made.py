"""Tables of reviews, made up from a few words: four topics in English, four in Chinese, over a year."""

import csv
import io
import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import product

from shared.inputs import Table, Upload

ENGLISH = {
    "food": (
        ("The noodles were", "Their soup was", "The dumplings were"),
        ("salty and cold", "hot and delicious"),
    ),
    "staff": (
        ("The waiter was", "The staff were", "Our server was"),
        ("rude and impatient", "kind and helpful"),
    ),
    "parking": (
        ("The car park was", "The parking garage was", "Parking was"),
        ("full and narrow", "too expensive"),
    ),
    "room": (
        ("The bedroom was", "Our bed was", "The hotel room was"),
        ("clean and quiet", "dusty and noisy"),
    ),
}
CHINESE = {
    "food": (("湯頭", "餃子", "牛肉麵"), ("太鹹，又冷掉了", "濃郁，非常好吃")),
    "staff": (("店員", "老闆", "服務生"), ("口氣很差，愛理不理", "態度親切，很有耐心")),
    "parking": (("停車場", "車位", "機車格"), ("又窄又暗，很難停", "收費太貴，一位難求")),
    "room": (("房間", "床鋪", "浴室"), ("乾淨安靜，睡得很好", "灰塵很多，隔音很差")),
}
ENDS = {
    "en": (
        "as my sister said",
        "we noticed on Monday",
        "and we told them",
        "like last year",
        "after an hour",
    ),
    "zh": ("朋友也這麼說", "平日中午去的", "第二次來了", "給大家參考", "下次再看看"),
}


def reviews(
    count: int, language: str = "en", seed: int = 0, *, grows: str = ""
) -> list[tuple[str, str, date]]:
    """Return (topic, text, day); of topic `grows` there are ever more towards the end."""
    chance = random.Random(seed)
    topics = ENGLISH if language == "en" else CHINESE
    found = []
    for number in range(count):
        day = date(2024, 1, 1) + timedelta(days=360 * number // count)
        weights = [8 if topic == grows and 2 * number > count else 2 for topic in topics]
        (topic,) = chance.choices(list(topics), weights)
        subject, judgement = chance.choice(list(product(*topics[topic])))
        end = chance.choice(ENDS[language])
        text = (
            f"{subject} {judgement}, {end} {number}."
            if language == "en"
            else f"{subject}{judgement}，{end}（{number}）"
        )
        found.append((topic, text, day))
    return found


def rows_of(made: Sequence[tuple[str, str, date]]) -> list[tuple[str, ...]]:
    """Return rows of a table with columns id, date, review."""
    return [(str(at), str(day), text) for at, (_, text, day) in enumerate(made)]


def table(*rows: Sequence[str], name: str = "cafe.csv") -> Table:
    """Return a table; the first row has the names of the columns."""
    return Table(tuple(rows[0]), tuple(map(tuple, rows[1:])), name)


def upload(*rows: Sequence[str], name: str = "cafe.csv") -> Upload:
    """Return the same as a file."""
    return Upload(name, csv_of(*rows))


def csv_of(*rows: Sequence[str]) -> bytes:
    """Write rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def read_csv(data: bytes) -> list[list[str]]:
    """Read a CSV file that begins with a byte order mark."""
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
