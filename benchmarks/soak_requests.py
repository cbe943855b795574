"""What the people of the soak ask for: a mix of every kind of command, with made-up texts, pictures and prices."""

import csv
import datetime
import io
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageDraw

from tests.kit.answer import Answer
from tests.kit.person import Person
from tests.kit.pictures import photo, truncated_jpeg, written
from tests.kit.typed import File

WITHIN: Final = 900.0
"""Who asks waits as long as Discord does; the soak itself decides when something is lost."""
CODE: Final = "9901"
SPAM: Final = "WINNER!! You were chosen for a 900 pound prize. Call now to claim. Valid 12 hours only."
CHAT: Final = "See you at the station at six, I will bring the umbrella."
LIKED: Final = "What a warm and funny film, I would watch it again tomorrow."
CHINESE: Final = "這家店的餐點很好吃,服務也很親切,下次還會再來。"
NEWS: Final = " ".join(
    (
        "The council approved a new tram line along the river on Monday.",
        "The line will have eleven stops and is to open in four years.",
        "Shopkeepers on the square had asked for a shorter time of building.",
        "The mayor said that two stops are served by bus until then.",
        "A study expects nine thousand passengers on a working day.",
        "Half of the cost is paid by the state, the rest by the town.",
    )
)


@dataclass(frozen=True)
class Kind:
    """One kind of request: how often in a hundred, who may do it, and how. `refusable`: it is meant to be refused."""

    name: str
    share: float
    ask: Callable[[Person], Coroutine[Any, Any, Answer]]
    by_admin: bool = False
    refusable: bool = False


def kinds(chance: random.Random) -> Sequence[Kind]:
    """Return the mix."""
    digit = File("digit.png", _digit(str(chance.randrange(10))))
    picture = File("scene.jpg", written(photo((96, 72)), "JPEG"))
    broken = File("broken.jpg", truncated_jpeg())

    async def spam(person: Person) -> Answer:
        return await person.slash("spam score", text=chance.choice((SPAM, CHAT, NEWS[:200])), within=WITHIN)

    async def sentiment(person: Person) -> Answer:
        return await person.slash("sentiment read", text=chance.choice((LIKED, CHINESE)), within=WITHIN)

    async def fact(person: Person) -> Answer:
        return await person.slash("fact check", article=NEWS, within=WITHIN)

    async def summary(person: Person) -> Answer:
        return await person.slash("article summarise", article=NEWS, sentences=2, within=WITHIN)

    async def digits(person: Person) -> Answer:
        return await person.slash("digits read", picture=digit, within=WITHIN)

    async def image(person: Person) -> Answer:
        return await person.slash("image classify", picture=picture, within=WITHIN)

    async def forecast(person: Person) -> Answer:
        return await person.slash("stock forecast", code=CODE, days=3, within=WITHIN)

    async def button(person: Person) -> Answer:
        verdict = await person.slash("spam score", text=SPAM, within=WITHIN)
        pressable = [c for c in verdict.message.components if c["type"] == 2 and c.get("custom_id")]
        # What was answered with an error has none; that is an answer too.
        if not pressable:
            return verdict
        return await person.press(verdict, str(chance.choice(pressable)["custom_id"]), within=WITHIN)

    async def menu(person: Person) -> Answer:
        said = await person.say(chance.choice((SPAM, CHAT)))
        return await person.menu("Spam score", said, within=WITHIN)

    async def jobs(person: Person) -> Answer:
        return await person.slash(chance.choice(("jobs list", "jobs kinds")), within=WITHIN)

    async def hearth(person: Person) -> Answer:
        return await person.slash("hearth show", plugin="spam", within=WITHIN)

    async def rule(person: Person) -> Answer:
        return await person.slash("hearth cooldown", plugin="reviews", seconds=0, within=WITHIN)

    async def privacy(person: Person) -> Answer:
        return await person.slash("privacy export", within=WITHIN)

    async def bad_picture(person: Person) -> Answer:
        return await person.slash("image classify", picture=broken, within=WITHIN)

    async def bad_code(person: Person) -> Answer:
        return await person.slash("stock export", code="no such code", within=WITHIN)

    async def no_session(person: Person) -> Answer:
        return await person.slash("rollcall show", session=999_999, within=WITHIN)

    async def form(person: Person) -> Answer:
        opened = await person.slash("spam score", within=WITHIN)
        if opened.modal is None:
            return opened
        return await person.submit(opened, text=CHAT, within=WITHIN)

    return (
        Kind("spam score", 30, spam),
        Kind("sentiment read", 18, sentiment),
        Kind("fact check", 6, fact),
        Kind("article summarise", 3, summary),
        Kind("digits read", 3, digits),
        Kind("image classify", 2, image),
        Kind("stock forecast", 1, forecast),
        Kind("button", 10, button),
        Kind("form", 4, form),
        Kind("menu", 5, menu),
        Kind("jobs", 4, jobs, by_admin=True),
        Kind("hearth show", 4, hearth, by_admin=True),
        Kind("hearth cooldown", 1, rule, by_admin=True),
        Kind("privacy export", 1, privacy),
        Kind("broken picture", 3, bad_picture, refusable=True),
        Kind("unknown code", 3, bad_code, refusable=True),
        Kind("unknown session", 2, no_session, refusable=True),
    )


async def prepare(admin: Person) -> None:
    """Hand in the made-up prices that forecasts are asked of."""
    answer = await admin.slash("stock import", code=CODE, file=File("days.csv", _prices()), within=60)
    if "imported" not in answer.text:
        raise RuntimeError(f"the prices were not taken: {answer.text}")


async def cluster(person: Person, chance: random.Random) -> None:
    """Ask for topics of a small table, which is done in a process of its own."""
    nouns = ("coffee", "bread", "waiter", "music", "terrace", "price")
    rows = [f"The {chance.choice(nouns)} was {chance.choice(('fine', 'bad'))}, {n}." for n in range(60)]
    out = io.StringIO()
    csv.writer(out).writerows([["review"], *([row] for row in rows)])
    await person.slash("reviews cluster", table=File("reviews.csv", out.getvalue().encode()), within=WITHIN)


def _digit(text: str) -> bytes:
    image = Image.new("L", (64, 64), 255)
    ImageDraw.Draw(image).text((20, 8), text, fill=0, font_size=44)
    return written(image)


def _prices() -> bytes:
    """Return 400 days of a random walk in the exchange's columns."""
    chance, price = random.Random(7), 500.0
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ("日期", "成交股數", "成交金額", "開盤價", "最高價", "最低價", "收盤價", "漲跌價差", "成交筆數")
    )
    day = datetime.date.today() - datetime.timedelta(days=600)
    for _ in range(400):
        day += datetime.timedelta(days=1 if day.weekday() < 4 else 3)
        opened, price = price, price * (1 + chance.gauss(0, 0.01))
        high, low = max(opened, price) * 1.003, min(opened, price) * 0.997
        shares = chance.randrange(10_000_000, 40_000_000)
        writer.writerow(
            (
                f"{day.year - 1911}/{day:%m/%d}", f"{shares:,}", f"{int(shares * price):,}",
                f"{opened:.2f}", f"{high:.2f}", f"{low:.2f}", f"{price:.2f}",
                f"{price - opened:+.2f}", f"{chance.randrange(5_000, 20_000):,}",
            )
        )  # fmt: skip
    return out.getvalue().encode()
