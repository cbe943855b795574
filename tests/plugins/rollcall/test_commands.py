"""A roll call as people live it: enrolled by consent, opened, joined by photos, shown, closed, and taken as a sheet."""

import asyncio
import csv
import io
import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import func, select, update

from bot.assembly import assembled
from bot.core import Core
from plugins.rollcall.tables import checkin, face, session
from shared.database import now_ms
from shared.errors import BadInput, Denied, Refusal
from shared.inputs import Upload
from shared.reply import Reply, unescape
from shared.settings import Settings
from tests.kit.pictures import (
    bomb_png,
    html_named_png,
    one_pixel_png,
    svg_named_png,
    thin_png,
    truncated_jpeg,
    wrong_size_png,
)
from tests.plugins.rollcall.classroom import MANAGES, Member, landscape, pair, portrait

pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVERS = itertools.count(100)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def core(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Core]:
    """One bot for all tests of this file, as its model takes seconds to load; each test has a server of its own."""
    folder = tmp_path_factory.mktemp("rollcall")
    settings = Settings(_env_file=None, data_dir=folder / "data", http_port=None)  # type: ignore[call-arg]
    async with assembled(settings, warm=False) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def teacher(core: Core) -> Member:
    guild = next(SERVERS)
    await core.states.switch("rollcall", True, guild, 1)
    return Member.of(core, 1, "Teacher", permissions=MANAGES, guild=guild)


@pytest.fixture
def ann(teacher: Member) -> Member:
    return teacher.but(user_id=5, name="Ann", permissions=0)


@pytest.fixture
def bob(teacher: Member) -> Member:
    return teacher.but(user_id=6, name="Bob", permissions=0)


async def faces_kept(member: Member) -> int:
    async with member.core.database.begin() as connection:
        here = face.c.guild_id == member.asker.guild_id
        return int(await connection.scalar(select(func.count()).select_from(face).where(here)) or 0)


async def check_ins(member: Member) -> int:
    async with member.core.database.begin() as connection:
        here = session.c.guild_id == member.asker.guild_id
        query = select(func.count()).select_from(checkin.join(session)).where(here)
        return int(await connection.scalar(query) or 0)


async def turned_to_midnight(member: Member) -> None:
    """Let the day of a server's sessions be over."""
    async with member.core.database.begin() as connection:
        here = session.c.guild_id == member.asker.guild_id
        await connection.execute(update(session).where(here).values(closes_ms=now_ms() - 1000))


def sheet_of(reply: Reply) -> list[list[str]]:
    (file,) = reply.files
    assert file.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(file.data.decode("utf-8-sig"), newline="")))


async def test_a_person_enrols_by_consent_is_checked_in_and_stands_in_the_sheet(
    teacher: Member, ann: Member
) -> None:
    asked = await ann("rollcall", "enrol", photos=(portrait(), portrait(330)))
    assert asked.private
    assert "Nothing is kept yet" in asked.text
    assert "living person" in asked.text
    assert [button.label for button in asked.buttons] == ["I agree"]
    assert await faces_kept(ann) == 0
    agreed = await ann.press(asked, "I agree")
    assert "2 photos" in agreed.text
    assert await faces_kept(ann) == 2

    opened = await teacher("rollcall", "start", title="Algebra", late_after="5")
    assert opened.title is not None
    assert "Algebra" in opened.title
    assert not opened.private
    assert opened.fields[0].value == "1"
    with pytest.raises(BadInput, match="no face"):
        await ann("rollcall", "here", photo=landscape())
    joined = await teacher("rollcall", "here", photo=pair())
    assert joined.title == "One person checked in"
    assert "**Ann**" in joined.text
    assert "photo by Teacher" in joined.text
    assert "One face is unknown" in joined.text
    with Image.open(io.BytesIO(joined.pictures[0].data)) as drawn:
        assert drawn.format == "JPEG"
        assert drawn.width > drawn.height
    assert "2 faces" in joined.pictures[0].alt
    again = await ann("rollcall", "here", photo=portrait(300))
    assert again.title == "Nobody new is in"
    assert "Ann was in already" in again.text

    shown = await ann.press(again, "Who is in?")
    assert "1. **Ann**" in shown.text
    assert shown.fields[0].value == "1 of 1 enrolled"
    assert [button.label for button in shown.buttons] == ["Download CSV", "Close"]
    with pytest.raises(Denied):
        await ann.press(shown, "Close")
    with pytest.raises(Denied):
        await ann.press(shown, "Download CSV")
    taken = await teacher.press(shown, "Download CSV")
    assert taken.private
    header, row = sheet_of(taken)
    assert header == ["Name", "Date", "Time", "Late", "Posted by"]
    assert (row[0], row[3], row[4]) == ("Ann", "", "Teacher")
    closed = await teacher.press(shown, "Close")
    assert [button.label for button in closed.buttons] == ["Download CSV"]
    with pytest.raises(Refusal, match="closed at"):
        await ann("rollcall", "here", photo=portrait())


async def test_two_who_enrol_the_same_face_one_is_refused_and_nothing_is_disturbed(
    ann: Member, bob: Member
) -> None:
    await ann.press(await ann("rollcall", "enrol", photos=(portrait(),)), "I agree")
    with pytest.raises(Refusal, match="cannot be enrolled by you") as refused:
        await bob("rollcall", "enrol", photos=(portrait(350),))
    assert "Ann" not in str(refused.value)
    assert "not enrolled" in (await bob("rollcall", "mine")).text
    assert (await ann("rollcall", "mine")).fields[1].value == "1"


@pytest.mark.parametrize(
    ("photos", "words"),
    [
        ((landscape(),), "no face to be found in landscape.jpg"),
        ((pair(),), "There are 2 faces in pair.jpg"),
        ((portrait(70),), "too small|no face"),
        ((portrait(),) * 6, "one to five photos"),
        (
            (Upload("broken.jpg", truncated_jpeg()), pair()),
            "(?s)broken.jpg: .*⚠️ There are 2 faces in pair.jpg",
        ),
        ((landscape(), Upload("page.png", html_named_png())), "(?s)no face .*⚠️ page.png is not a picture"),
        ((Upload("bomb.png", bomb_png()),), "bomb.png"),
        ((Upload("page.png", html_named_png()),), "page.png"),
        ((Upload("drawing.png", svg_named_png()),), "drawing.png"),
        ((Upload("dot.png", one_pixel_png()),), "dot.png"),
        ((Upload("thin.png", thin_png()),), "thin.png"),
        ((Upload("wrong.png", wrong_size_png()),), "wrong.png"),
    ],
)
async def test_what_cannot_be_enrolled_is_refused_in_words(
    ann: Member, photos: tuple[Upload, ...], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        await ann("rollcall", "enrol", photos=photos)
    assert await faces_kept(ann) == 0


async def test_photos_that_cannot_be_enrolled_are_named_and_the_others_are(ann: Member) -> None:
    chinese = ann.but(locale="zh-TW")
    photos = (
        Upload("page.png", html_named_png()),
        portrait(),
        Upload("broken.jpg", truncated_jpeg()),
        pair(),
        landscape(),
    )
    asked = await chinese("rollcall", "enrol", photos=photos)
    assert asked.private
    assert unescape(asked.text).splitlines()[-4:] == [
        "⚠️ page.png 不是可讀的圖片：請傳 PNG、JPEG、WebP、GIF、BMP 或 TIFF。",
        "⚠️ broken.jpg：圖片已損壞或不完整，請重新存成 PNG 或 JPEG。",
        "⚠️ pair.jpg 裡有 2 張臉。請只傳自己一個人的照片。",
        "⚠️ 在 landscape.jpg 裡找不到臉。請在光線充足的地方正對鏡頭。",
    ]
    await chinese.press(asked, "我同意")
    assert await faces_kept(ann) == 1


async def test_each_step_that_is_missing_is_named(teacher: Member, ann: Member) -> None:
    with pytest.raises(Refusal, match="No roll call is open in this channel"):
        await ann("rollcall", "here", photo=portrait())
    with pytest.raises(Refusal, match="no roll call in this channel yet"):
        await ann("rollcall", "show")
    with pytest.raises(Denied):
        await ann("rollcall", "start")
    with pytest.raises(BadInput, match="no time zone"):
        await teacher("rollcall", "start", time_zone="Mars/Olympus")
    opened = await teacher("rollcall", "start", self_only=True)
    with pytest.raises(Refusal, match="open in this channel already"):
        await teacher("rollcall", "start")
    with pytest.raises(Refusal, match="Nobody has enrolled"):
        await ann("rollcall", "here", photo=portrait())
    await teacher.enrolled()
    with pytest.raises(Refusal, match="you have not enrolled"):
        await ann("rollcall", "here", photo=portrait())
    assert "Nobody is in yet" in (await ann.press(opened, "Who is in?")).text
    with pytest.raises(BadInput, match="no roll call number 99"):
        await teacher("rollcall", "show", session="99")
    elsewhere = ann.but(channel_id=1)
    with pytest.raises(BadInput, match="no roll call number"):
        await elsewhere.press(opened, "Who is in?")
    await teacher("rollcall", "close")
    with pytest.raises(Refusal, match="closed at"):
        await teacher("rollcall", "close")


async def test_a_photo_checks_in_its_poster_alone_where_the_organiser_says_so(
    teacher: Member, ann: Member, bob: Member
) -> None:
    await ann.press(await ann("rollcall", "enrol", photos=(portrait(),)), "I agree")
    await bob.enrolled()
    await teacher("rollcall", "start", self_only=True)
    reply = await bob("rollcall", "here", photo=portrait())
    assert reply.title == "Nobody new is in"
    assert "somebody else" in reply.text
    assert "Ann" not in reply.text
    assert await check_ins(ann) == 0
    reply = await ann("rollcall", "here", photo=portrait())
    assert "**Ann**" in reply.text
    assert "photo by" not in reply.text


async def test_midnight_closes_though_nothing_ran_and_another_can_be_opened(
    teacher: Member, ann: Member
) -> None:
    await ann.enrolled()
    await teacher("rollcall", "start", title="Monday")
    await turned_to_midnight(teacher)
    with pytest.raises(Refusal, match="closed at"):
        await ann("rollcall", "here", photo=portrait())
    shown = await teacher("rollcall", "show")
    assert "Closed" in [field.name for field in shown.fields]
    assert "Nobody was in" in shown.text
    with pytest.raises(Refusal, match="closed at"):
        await teacher("rollcall", "close")
    opened = await teacher("rollcall", "start", title="Tuesday")
    assert "Tuesday" in (opened.title or "")


async def test_photos_at_once_check_a_person_in_once(teacher: Member, ann: Member) -> None:
    await ann.press(await ann("rollcall", "enrol", photos=(portrait(),)), "I agree")
    await teacher("rollcall", "start")
    replies = await asyncio.gather(*(ann("rollcall", "here", photo=portrait(300 + 10 * n)) for n in range(4)))
    assert sorted(reply.title or "" for reply in replies) == ["Nobody new is in"] * 3 + [
        "One person checked in"
    ]
    assert await check_ins(ann) == 1


async def test_all_is_said_in_traditional_chinese(teacher: Member, ann: Member) -> None:
    chinese, tutor = ann.but(locale="zh-TW", name="=陳小明"), teacher.but(locale="zh-TW", name="老師")
    asked = await chinese("rollcall", "enrol", photos=(portrait(),))
    assert asked.title == "你同意保存你的臉部特徵嗎？"
    assert "128 個數字" in asked.text
    await chinese.press(asked, "我同意")
    opened = await tutor("rollcall", "start", time_zone="Asia/Taipei")
    assert "點名" in (opened.title or "")
    joined = await chinese("rollcall", "here", photo=portrait())
    assert joined.title == "1 人完成簽到"
    header, row = sheet_of(await tutor("rollcall", "export"))
    assert header == ["姓名", "日期", "時間", "遲到", "張貼者"]
    assert (row[0], row[4]) == ("'=陳小明", "'=陳小明")
    mine = await chinese("rollcall", "mine")
    assert mine.title == "點名功能保存的你的資料"


async def test_names_are_harmless_in_replies(teacher: Member, ann: Member) -> None:
    await ann.press(await ann("rollcall", "enrol", photos=(portrait(),)), "I agree")
    loud = ann.but(name="@everyone **x** [y](http://example.com)")
    await teacher("rollcall", "start", title="# @here")
    reply = await loud("rollcall", "here", photo=portrait())
    for text in (
        reply.text,
        (await loud("rollcall", "show")).text,
        (await loud("rollcall", "show")).title or "",
    ):
        bare = text.replace("\\@", "")
        assert "@everyone" not in bare
        assert "@here" not in bare
        assert "](" not in bare


async def test_the_last_time_zone_of_a_server_is_used_again(teacher: Member) -> None:
    await teacher("rollcall", "start", time_zone="Pacific/Auckland")
    await teacher("rollcall", "close")
    again = await teacher.but(channel_id=1_000_000)("rollcall", "start")
    assert "Pacific/Auckland" in again.text
