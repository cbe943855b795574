"""Articles written for the tests, and invented ones with references, from which a scorer can be trained in seconds."""

import csv
import gzip
import io
import random
from pathlib import Path

ENGLISH = """Harbour bridge to close for eighteen months

The harbour bridge will close to all traffic in April for eighteen months while engineers replace its rusted steel \
deck, the city council said on Tuesday.

About 40,000 drivers cross the bridge each day, and the council expects delays of up to half an hour on the two \
remaining crossings. "We know that this is hard," said the head of transport. "But a bridge that is not repaired now \
will be closed for ever in ten years." The repair of the bridge costs 210 million dollars, most of which the \
government pays.

Shopkeepers on the north shore fear that customers will stay away. The council promises a free ferry every ten \
minutes and cheaper parking at the stations. Cyclists and walkers may use a narrow path on the east side of the \
bridge. It rained during the announcement. The last large repair of the harbour bridge was in 1987, when the deck was \
closed for a single summer. The council will show its plans for the bridge in the town hall next week.
"""
CHINESE = """臺北捷運環狀線南環段動工 預計2031年完工

臺北市政府今天舉行捷運環狀線南環段的動工典禮，這段路線全長五點七公里，設有六座車站，總經費約五百五十億元，\
預計2031年底完工。市長在典禮上說，環狀線把各條放射狀的路線串連起來，通車之後，從動物園到大坪林只要十二分鐘。

「這是大家等了很久的一天。」他說。捷運局指出，南環段全部採地下方式興建，施工期間部分車道將會封閉，\
估計每天有三萬輛車受到影響。捷運局已經和公車業者合作，在尖峰時間加開接駁公車。

不過，部分居民擔心施工會損壞房屋。捷運局回應說，施工前會逐戶拍照存證，並安裝監測儀器，如有損壞一定負責修復。\
環保團體則要求保留沿線的三百多棵老樹。天氣晴朗。
"""
TOPICS = {
    "bridge": "engineers repair the old harbour bridge with steel from the north",
    "school": "teachers at the village school ask parents for new science books",
    "match": "the visiting team wins a long match after extra time and rain",
    "budget": "the minister cuts the budget for roads and raises taxes on fuel",
    "film": "a young director wins the prize for a quiet film about farmers",
    "storm": "a violent storm floods the coast and leaves towns without power",
}
FILLERS = (
    "Nobody wanted to say more than that.", "It was a cold morning.", "There were questions afterwards too.",
    "Some people left early, others came late.", "A dog barked somewhere behind us.", "Coffee was served at noon.",
    "The hall was half empty by then.", "What follows is anybody's guess.", "Few of them had slept much.",
)  # fmt: skip


def invented(rows: int, seed: int = 1) -> list[tuple[str, str]]:
    """Return articles with references: sentences about the topic among others, the former being the summary."""
    chance = random.Random(seed)
    return [_one(chance, number) for number in range(rows)]


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    """Write a data file, gzipped where its name says so."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([("article", "summary"), *rows])
    data = out.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _one(chance: random.Random, number: int) -> tuple[str, str]:
    name, topic = chance.choice(list(TOPICS.items()))
    words = topic.split()
    about = []
    for place in ("Monday", "Friday", "spring", "March", "autumn"):
        chosen = [word for word in words if chance.random() < 0.8]
        extra = " ".join(_word(chance) for _ in range(4))
        about.append(f"In {place} {' '.join(chosen)}, and {extra} is part of it, report {number} says.")
    body = [*about, *chance.sample(FILLERS, 6)]
    chance.shuffle(body)
    article = f"News of the {name} {_word(chance)}\n\n{' '.join(body[:5])}\n\n{' '.join(body[5:])}\n"
    return article, "".join(about)


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("bcdfglmnprst") + chance.choice("aeiou") for _ in range(3))
