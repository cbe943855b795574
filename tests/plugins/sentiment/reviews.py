"""Invented reviews, English and Chinese, from which a sentiment model can be trained in seconds."""

import csv
import gzip
import io
import random
from pathlib import Path

from shared.language import Language

# fmt: off
GLAD = {
    "en": ("wonderful", "a great joy", "beautifully made", "the best of the year", "funny and warm", "brilliant"),
    "zh": ("非常好", "很干净", "服务热情", "下次还会再来", "十分满意", "值得推荐"),
}
SAD = {
    "en": ("dreadful", "a waste of time", "badly made", "the worst of the year", "dull and cold", "boring"),
    "zh": ("非常差", "很脏", "服务冷淡", "再也不会来了", "十分失望", "不值得住"),
}
THINGS = {
    "en": ("the film", "the story", "this play", "the music", "the ending", "the book", "the acting", "this show"),
    "zh": ("房间", "早餐", "酒店", "前台", "大堂", "位置", "电梯", "餐厅"),
}
FILLERS = {
    "en": ("we saw it on sunday", "my brother came along", "it was raining", "there were few people", "i paid nine",
           "they sold tea", "it began at eight", "the seats were blue", "we took the train", "it lasted an hour"),
    "zh": ("我们住了两天", "当时下着雨", "朋友一起来的", "是网上订的", "离车站不远", "晚上九点到的",
           "带着孩子", "一共三个人"),
}
# fmt: on
Row = tuple[str, str]


def invented(rows: int, language: Language = "en", seed: int = 1) -> list[Row]:
    """Return different reviews with their labels, as many of each."""
    chance = random.Random(f"{seed} {language}")
    found: dict[str, str] = {}
    while len(found) < rows:
        positive = len(found) % 2 == 0
        found[_one(chance, language, positive)] = "positive" if positive else "negative"
    return list(found.items())


def write(path: Path, rows: list[Row]) -> Path:
    """Write a data file, gzipped where its name says so."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("text", "label"), *rows])
    data = out.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _one(chance: random.Random, language: Language, positive: bool) -> str:
    words, things, fillers = (GLAD if positive else SAD)[language], THINGS[language], FILLERS[language]
    pieces = [*chance.sample(fillers, 3)]
    for _ in range(2):
        thing, word = chance.choice(things), chance.choice(words)
        said = f"{thing} was {word}" if language == "en" else f"{thing}{word}"
        pieces.insert(chance.randrange(len(pieces) + 1), said)
    return ", ".join(pieces) + "." if language == "en" else "，".join(pieces) + "。"
