"""What people see of topics in chat: through the sandbox's door, by buttons, in both languages, and what is refused."""

import os
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import Connection, inspect, update

from plugins.reviews import turns
from plugins.reviews.answer import QUOTED
from plugins.reviews.kept import DAY_MS
from plugins.reviews.places import Known, Places
from plugins.reviews.sources import Found
from plugins.reviews.tables import kept, metadata
from shared.durable import hold
from shared.errors import BadInput, Busy
from shared.reply import Button, Reply
from shared.settings import Settings
from tests.kit.answer import Answer
from tests.kit.caller import Caller
from tests.kit.house import House, house
from tests.kit.person import File, Person
from tests.plugins.reviews.made import csv_of, read_csv, reviews, rows_of, upload

HEADER = ("id", "date", "review")
ENGLISH = reviews(60)
SHOP = "Noodle Shop"


@pytest_asyncio.fixture
async def home(hearth_settings: Settings) -> AsyncIterator[House]:
    async with house(hearth_settings) as running:
        yield running


def button(reply: Reply, label: str) -> Button:
    return next(each for each in reply.buttons if each.label == label)


async def pressed(caller: Caller, reply: Reply, label: str) -> Reply:
    found = button(reply, label)
    return await caller("reviews", found.command, **found.arguments)


def topics(reply: Reply) -> list[str]:
    """Return the topic of each row of the table that came back."""
    header, *rows = read_csv(reply.files[0].data)
    return [row[header.index("topic")] for row in rows]


async def table_back(person: Person, answer: Answer) -> list[list[str]]:
    files = [each for each in answer.message.attachments if each["filename"].endswith(".csv")]
    return read_csv(await person.download(files[0]))


async def test_a_table_is_sorted_in_chat_and_its_buttons_cut_elsewhere(home: House) -> None:
    person = await home.person(locale="zh-TW")
    made = reviews(60, "zh")
    answer = await person.slash(
        "reviews cluster", table=File("咖啡.csv", csv_of(HEADER, *rows_of(made))), within=60
    )
    assert "個主題" in answer.text
    assert "60 則評論" in answer.text
    assert answer.message.buttons == ["粗一點", "細一點", "合併…", "拆開…", "隨時間變化"]
    header, *rows = await table_back(person, answer)
    assert header == [*HEADER, "topic", "topic_words"]
    assert [row[2] for row in rows] == [text for _, text, _ in made]
    before = len({row[3] for row in rows})
    coarser = await person.press(answer, "粗一點", within=30)
    _, *rows = await table_back(person, coarser)
    assert len({row[3] for row in rows}) == before - 1
    assert f"從 {before} 個主題變成 {before - 1} 個" in coarser.text
    choices = await person.press(coarser, "合併…", within=30)
    assert choices.message.ephemeral
    assert "哪兩個主題" in choices.text
    merged = await person.press(choices, choices.message.buttons[0], within=30)
    assert "已合併" in merged.text
    over = await person.press(merged, "隨時間變化", within=30)
    assert "主題隨時間的變化" in over.text


async def test_a_table_comes_back_with_its_topics_and_odd_rows_are_told(caller: Caller) -> None:
    rows = [
        (n, d, f"@everyone **{text}** https://evil.example/{n} and <@123> so long")
        for n, d, text in rows_of(reviews(220, grows="parking"))
    ]
    chinese = [(f"=z{n}", "", text) for n, _, text in rows_of(reviews(60, "zh"))]
    odd = [("a", "", "  "), ("b", "", "!!"), ("c", "", chinese[0][2])]
    reply = await caller("reviews", "cluster", table=upload(HEADER, *rows, *chinese, *odd))
    found = topics(reply)
    assert reply.title is not None
    count = int(reply.title.split()[1])
    assert set(found) - {""} == {str(number + 1) for number in range(count)}
    assert f"{found.count('1')} reviews ({found.count('1') / 281:.1%})" in reply.text
    unsorted = found.count("") - 2
    # That none is left over goes without saying.
    assert (f"{unsorted / 281:.1%} fit no topic" in reply.text) == (unsorted > 0)
    assert "two languages (22% Chinese)" in reply.text
    assert "2 rows have no text" in reply.text
    assert "1 review says word for word" in reply.text
    assert found[-3:-1] == ["", ""]
    quotes = [line for line in reply.text.splitlines() if line.startswith("> ")]
    assert len(quotes) >= count
    assert "@everyone" not in reply.text.replace("\\@", "")
    assert not any(len(line) > 3 * QUOTED for line in quotes)
    assert reply.pictures[0].data.startswith(b"\x89PNG")
    assert reply.files[0].name == "cafe-topics.csv"
    assert read_csv(reply.files[0].data)[280][0] == "'=z59"

    finer = await pressed(caller, reply, "Finer")
    assert len(set(topics(finer)) - {""}) == count + 1
    picked = await pressed(caller, finer, "Split …")
    assert picked.private
    split = await pressed(caller, picked, picked.buttons[0].label)
    assert len(set(topics(split)) - {""}) == count + 2
    assert "Split: 1 " in split.text
    # What was shown first is still there.
    again = await pressed(caller, reply, "Coarser")
    assert len(set(topics(again)) - {""}) == count - 1

    coarse = reply
    for left in range(count - 1, 0, -1):
        coarse = await pressed(caller, coarse, "Coarser")
        assert len(set(topics(coarse)) - {""}) == left
    # One topic can be neither coarser nor merged.
    assert [each.label for each in coarse.buttons] == ["Finer", "Split …", "Over time"]
    once_more = {**button(coarse, "Finer").arguments, "how": "coarser"}
    with pytest.raises(BadInput, match="only one topic"):
        await caller("reviews", "recut", **once_more)

    over = await pressed(caller, reply, "Over time")
    assert "61 reviews have no date" in over.text
    grown = {str(number) for number in re.findall(r"🔺 (\d+)\.", over.text.split("**Grew**")[1])}
    of_grown = [text for (_, _, text), topic in zip([*rows, *chinese], found, strict=False) if topic in grown]
    assert sum("ark" in text for text in of_grown) > 0.8 * len(of_grown) > 0
    assert "points)" in over.text
    assert over.pictures[0].data.startswith(b"\x89PNG")
    assert topics(await pressed(caller, over, "The topics")) == found

    async with caller.core.database.begin() as connection:
        await connection.execute(update(kept).values(created_ms=kept.c.created_ms - DAY_MS))
    for label in ("Finer", "Merge …", "Over time"):
        with pytest.raises(BadInput, match="not kept any more"):
            await pressed(caller, reply, label)


async def test_what_cannot_be_sorted_is_refused(caller: Caller) -> None:
    with pytest.raises(BadInput, match="Give a table"):
        await caller("reviews", "cluster")
    with pytest.raises(BadInput, match="Give a table"):
        await caller("reviews", "cluster", table=upload(HEADER, *rows_of(ENGLISH)), place="Shop")
    with pytest.raises(BadInput, match="20 or more"):
        await caller("reviews", "cluster", table=upload(HEADER, *rows_of(ENGLISH[:10])))
    with pytest.raises(BadInput, match="No place is followed"):
        await caller("reviews", "cluster", place="Shop")
    with pytest.raises(BadInput, match="No review has a date"):
        await caller("reviews", "trend", table=upload(("review",), *[(text,) for _, text, _ in ENGLISH]))


async def test_who_comes_while_others_are_sorted_waits_and_is_told_in_the_end(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 1)
    folder = caller.core.hands.folder("reviews") / turns.FOLDER
    folder.mkdir()
    held = hold(folder)
    assert held is not None
    try:
        with pytest.raises(Busy, match="try again"):
            await caller("reviews", "cluster", table=upload(HEADER, *rows_of(ENGLISH)))
    finally:
        os.close(held)


async def test_the_migrations_make_the_tables_that_are_used(caller: Caller) -> None:
    def there(connection: Connection) -> dict[str, dict[str, bool]]:
        found = inspect(connection)
        return {name: {c["name"]: c["nullable"] for c in found.get_columns(name)} for name in metadata.tables}

    async with caller.core.database.begin() as connection:
        made = await connection.run_sync(there)
    assert made == {
        name: {str(column.name): bool(column.nullable) for column in table.c}
        for name, table in metadata.tables.items()
    }


async def test_a_place_is_listed_and_its_topics_go_by_the_names_that_they_had(caller: Caller) -> None:
    nothing = await caller("reviews", "places")
    assert "off by default" in nothing.text
    places, made = Places(caller.core.database), reviews(90)
    found = [Found(f"r{at}", text, 4, day, "en") for at, (_, text, day) in enumerate(made)]
    await places.keep(SHOP, found[:15])
    with pytest.raises(BadInput, match="15 different reviews so far"):
        await caller("reviews", "cluster", place="noodle shop")
    await places.keep(SHOP, found)
    listed = await caller("reviews", "places")
    assert f"**{SHOP}** · 90 reviews · ★ 4.0 in the mean · from 2024-01-01 to 2024-12-" in listed.text
    assert "switched off" in listed.text
    with pytest.raises(BadInput, match=f"Followed are: {SHOP}"):
        await caller("reviews", "trend", place="elsewhere")

    # As an earlier run would have found them in the first two thirds.
    numbers = {topic: at + 3 for at, topic in enumerate(("food", "staff", "parking", "room"))}
    before = [Known(number, f"the {topic}", [topic]) for topic, number in numbers.items()]
    await places.keep_topics(SHOP, before, {f"r{at}": numbers[made[at][0]] for at in range(60)})
    reply = await caller("reviews", "trend", place="noodle shop", locale="zh-TW")
    assert reply.title == "📈 主題隨時間的變化"
    back = await pressed(caller, reply, "看主題")
    header, *rows = read_csv(back.files[0].data)
    named = [(row[header.index("topic_words")], row[header.index("text")]) for row in rows]
    kept_names = {name for name, _ in named} & {each.name for each in before}
    assert kept_names
    for name in kept_names:
        texts = [text for other, text in named if other == name]
        truth = {text: f"the {topic}" for topic, text, _ in made}
        assert sum(truth[text] == name for text in texts) > 0.5 * len(texts)
    _, _, topic_of = await places.reviews(SHOP)
    after = {each.number: each.name for each in await places.topics(SHOP)}
    assert after.items() >= {each.number: each.name for each in before}.items()
    assert {after[number] for number in topic_of if number is not None} == {name for name, _ in named if name}
