"""Faces are kept by consent, sealed, once a face, and go when their person says so; no log tells of them."""

import asyncio
import base64
import logging
import struct
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from bot.privacy_rows import export_user, forget_rows
from plugins.rollcall import consent
from plugins.rollcall.people import MOST_PHOTOS, about, distance, enrol, enrolled
from plugins.rollcall.tables import checkin, face, person, session
from shared.database import now_ms
from shared.errors import Denied, Refusal
from shared.vault import Vault
from tests.kit.caller import Caller
from tests.plugins.rollcall.classroom import GUILD, MANAGES, SAME_FACE, Member, made_up


@pytest_asyncio.fixture
async def ann(caller: Caller) -> AsyncIterator[Member]:
    await caller.core.states.switch("rollcall", True, GUILD, 1)
    yield Member.of(caller.core, 5, "Ann")


def bob(ann: Member) -> Member:
    return Member.of(ann.core, 6, "Bob")


async def rows(member: Member, table: object) -> list[dict[str, object]]:
    async with member.core.database.begin() as connection:
        return [dict(row) for row in (await connection.execute(select(table))).mappings()]  # type: ignore[call-overload]


async def test_it_is_off_until_an_administrator_turns_it_on(caller: Caller) -> None:
    somebody = Member.of(caller.core, 5)
    with pytest.raises(Denied):
        await somebody("rollcall", "mine")
    await caller.core.states.switch("rollcall", True, GUILD, 1)
    assert "not enrolled" in (await somebody("rollcall", "mine")).text
    with pytest.raises(Denied):
        await somebody.but(guild_id=11)("rollcall", "mine")
    with pytest.raises(Denied):
        await somebody.but(guild_id=None)("rollcall", "mine")


async def test_faces_lie_sealed_and_are_bound_to_their_row(ann: Member) -> None:
    vector = made_up(1)
    await ann.enrolled(vector)
    (kept,) = await rows(ann, face)
    data = kept["sealed"]
    assert isinstance(data, bytes)
    assert vector not in data
    assert not any(vector[at : at + 8] in data for at in range(0, len(vector), 8))
    assert ann.vault().open(data, about(GUILD, 5)) == vector
    async with ann.core.database.begin() as connection:
        await connection.execute(update(face).values(user_id=6))
    await bob(ann).enrolled(made_up(2))
    people = await enrolled(ann.core.database, ann.vault(), GUILD)
    assert [(each.user_id, each.faces) for each in people] == [(5, ()), (6, (made_up(2),))]


async def test_the_database_file_holds_no_face_in_the_clear(ann: Member) -> None:
    vector = made_up(1)
    offer = consent.Offer([vector], False, SAME_FACE, now_ms())
    await ann("rollcall", "agree", sealed=consent.sealed(ann.vault(), offer, GUILD, 5))
    folder = ann.core.settings.data_dir
    files = [path for path in folder.rglob("*") if path.is_file() and path.name.startswith("hearth.")]
    assert files
    whole = b"".join(path.read_bytes() for path in files)
    for at in range(0, len(vector), 16):
        assert vector[at : at + 16] not in whole
        assert base64.b64encode(vector[at : at + 15]) not in whole
    assert b"Ann" in whole


async def test_with_another_key_no_face_can_be_read_and_its_person_can_enrol_anew(ann: Member) -> None:
    await ann.enrolled(made_up(1))
    core, other_key = ann.core, Vault(bytes(32))
    assert [each.faces for each in await enrolled(core.database, other_key, GUILD)] == [()]
    await enrol(
        core.database, other_key, now_ms(), guild_id=GUILD, user_id=5, name="Ann", faces=[made_up(3)],
        adding=False, same_face=SAME_FACE,
    )  # fmt: skip
    assert [each.faces for each in await enrolled(core.database, other_key, GUILD)] == [(made_up(3),)]
    assert [each.faces for each in await enrolled(core.database, ann.vault(), GUILD)] == [()]


async def test_a_yes_counts_for_its_person_in_its_server_for_a_quarter_of_an_hour(ann: Member) -> None:
    now = now_ms()
    offer = consent.Offer([made_up(1)], False, SAME_FACE, now)
    words = consent.sealed(ann.vault(), offer, GUILD, 5)
    assert consent.opened(ann.vault(), words, GUILD, 5, now + consent.VALID_MS) == offer
    with pytest.raises(Refusal, match="too long ago"):
        consent.opened(ann.vault(), words, GUILD, 5, now + consent.VALID_MS + 1)
    for guild, user in ((GUILD, 6), (11, 5)):
        with pytest.raises(Refusal, match="Only the person"):
            consent.opened(ann.vault(), words, guild, user, now)
    for broken in (
        words[:-4],
        "x" * 40,
        "",
        words[:20] + ("A" if words[20] != "A" else "B") + words[21:],
        "é",
    ):
        with pytest.raises(Refusal, match="Only the person"):
            consent.opened(ann.vault(), broken, GUILD, 5, now)
    with pytest.raises(Refusal, match="Only the person"):
        await bob(ann)("rollcall", "agree", sealed=words)
    assert await rows(ann, person) == []
    reply = await ann("rollcall", "agree", sealed=words)
    assert reply.private
    assert "enrolled in this server with one photo" in reply.text
    assert [(r["user_id"], r["name"]) for r in await rows(ann, person)] == [(5, "Ann")]


async def test_photos_are_replaced_or_added_up_to_five(ann: Member) -> None:
    assert await ann.enrolled(made_up(1), made_up(1, 0.1)) == 2
    assert await ann.enrolled(made_up(1, 0.2), adding=True) == 3
    with pytest.raises(Refusal, match="five are the most"):
        await ann.enrolled(*(made_up(1, 0.01 * n) for n in range(3)), adding=True)
    with pytest.raises(Refusal, match="does not look like"):
        await ann.enrolled(made_up(9), adding=True)
    assert len(await rows(ann, face)) == 3
    assert await ann.enrolled(*(made_up(9, 0.01 * n) for n in range(MOST_PHOTOS))) == MOST_PHOTOS
    (one,) = await enrolled(ann.core.database, ann.vault(), GUILD)
    assert one.faces[0] == made_up(9)


async def test_a_face_that_another_enrolled_is_refused_without_a_word_of_whom(ann: Member) -> None:
    await ann.enrolled(made_up(1))
    with pytest.raises(Refusal, match="cannot be enrolled by you") as refused:
        await bob(ann).enrolled(made_up(1, SAME_FACE - 0.01))
    assert "Ann" not in str(refused.value)
    assert "5" not in str(refused.value)
    people = await enrolled(ann.core.database, ann.vault(), GUILD)
    assert [(each.name, len(each.faces)) for each in people] == [("Ann", 1)]
    await bob(ann).enrolled(made_up(1, SAME_FACE + 0.01))
    # In another server it is nobody's.
    await bob(ann).but(guild_id=11).enrolled(made_up(1))


async def test_of_two_who_enrol_one_face_at_once_one_is_refused(ann: Member) -> None:
    both = await asyncio.gather(
        ann.enrolled(made_up(1)), bob(ann).enrolled(made_up(1, 0.1)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in both) == ["Refusal", "int"]
    assert len(await rows(ann, face)) == 1


async def test_many_who_enrol_at_once_are_all_enrolled(ann: Member) -> None:
    await asyncio.gather(*(Member.of(ann.core, n).enrolled(made_up(n)) for n in range(100, 106)))
    assert len(await rows(ann, person)) == 6


async def test_what_is_kept_is_shown_to_its_person_and_deleted_in_that_server_alone(ann: Member) -> None:
    await ann.enrolled(made_up(1), made_up(1, 0.1), now_ms=now_ms())
    await ann.but(guild_id=11).enrolled(made_up(1))
    shown = await ann("rollcall", "mine")
    assert shown.private
    assert [field.value for field in shown.fields][:2] == ["this server", "2"]
    assert "another server" in shown.text
    assert "another server" in (await ann.but(locale="en-GB")("rollcall", "mine")).text
    gone = await ann.press(shown, "Delete it")
    assert gone.private
    assert "Deleted" in gone.text
    assert [row["guild_id"] for row in await rows(ann, person)] == [11]
    assert [row["guild_id"] for row in await rows(ann, face)] == [11]
    assert "not enrolled" in (await ann("rollcall", "leave")).text


async def test_a_name_is_brought_up_to_date_by_any_command(ann: Member) -> None:
    await ann.enrolled()
    await ann.but(name="Ann (3B)")("rollcall", "mine")
    (row,) = await rows(ann, person)
    assert row["name"] == "Ann (3B)"
    assert isinstance(row["seen_ms"], int)
    assert row["seen_ms"] > 1_000
    await ann.but(name="x" * 300)("rollcall", "mine")
    (row,) = await rows(ann, person)
    assert row["name"] == "x" * 100


async def test_all_of_a_person_is_exported_and_forgotten(ann: Member) -> None:
    other = bob(ann)
    await ann.enrolled(made_up(1))
    await other.enrolled(made_up(2))
    await ann.but(permissions=MANAGES)("rollcall", "start", title="Mine")
    async with ann.core.database.begin() as connection:
        (found,) = (await connection.scalars(select(session.c.id))).all()
        for user, poster in ((5, 1), (6, 5)):
            await connection.execute(
                checkin.insert().values(
                    session_id=found, user_id=user, at_ms=1, posted_by=poster, posted_name="x"
                )
            )
    core = ann.core
    data = {
        k: v
        for k, v in (await export_user(core.database, core.plugins, 5)).items()
        if k.startswith("rollcall/")
    }
    assert {name: len(found) for name, found in data.items()} == {
        "rollcall/people": 1, "rollcall/faces": 1, "rollcall/check-ins": 1, "rollcall/pictures-posted": 1,
        "rollcall/sessions-started": 1,
    }  # fmt: skip
    assert "sealed" not in str(data)
    assert "6" not in {
        str(v) for row in data["rollcall/pictures-posted"] for k, v in row.items() if k != "at_ms"
    }
    await forget_rows(core.database, core.plugins, 5)
    for table in (person, face, checkin):
        assert [row["user_id"] for row in await rows(ann, table)] == [6]
    assert [row["posted_by"] for row in await rows(ann, checkin)] == [None]
    assert [row["posted_name"] for row in await rows(ann, checkin)] == [None]
    assert [row["started_by"] for row in await rows(ann, session)] == [None]
    after = await export_user(core.database, core.plugins, 5)
    assert not any(found for name, found in after.items() if name.startswith("rollcall/"))


async def test_no_log_tells_of_faces_or_names(
    ann: Member, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    name, vector = "Zebulon Quux", made_up(77)
    named = ann.but(name=name)
    offer = consent.Offer([vector], False, SAME_FACE, now_ms())
    words = consent.sealed(ann.vault(), offer, GUILD, 5)
    await named("rollcall", "agree", sealed=words)
    await named("rollcall", "mine")
    # With a face that cannot be opened, which is an error that a log must have.
    async with ann.core.database.begin() as connection:
        await connection.execute(update(face).values(sealed=b"\0" * 64))
    (one,) = await enrolled(ann.core.database, ann.vault(), GUILD)
    assert one.faces == ()
    assert name not in repr(one)
    assert "0." not in repr(offer)
    await named("rollcall", "leave")
    out, err = capfd.readouterr()
    logged = caplog.text + out + err
    assert "cannot be opened" in logged
    assert "Zebulon" not in logged
    assert words[:24] not in logged
    for number in struct.unpack("<128f", vector)[:16]:
        assert f"{number:.4f}" not in logged


def test_distance_is_euclidean() -> None:
    assert distance(made_up(3), made_up(3, 0.25)) == pytest.approx(0.25, abs=1e-6)
    assert distance(made_up(3), made_up(4)) > 1.0
