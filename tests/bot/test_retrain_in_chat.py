"""Learning from feedback, in the sandbox: people press "wrong", the gate speaks in #models, the owner goes back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from shared.settings import Quota, Settings
from shared.tables import audit, training
from tests.kit.house import House, house
from tests.kit.privacy import forget

SAID = (
    "Congratulations on your prize-winning essay! Call me and claim your free lunch at our place",
    "free tickets left over from the raffle, text me to claim, first come first served",
    "You have won the quiz night again! Collect your cash prize of ten pounds at the bar",
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=tmp_path_factory.mktemp("data"),
        http_port=None,
        retrain_after=2,
        retrain_gap_hours=0,
        person_quota=Quota(burst=10_000, per_minute=10_000),
        server_quota=Quota(burst=10_000, per_minute=10_000),
    )
    async with house(settings) as home:
        yield home


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def run_job(home: House, model: str) -> None:
    (entry,) = await home.core.jobs.find("core", "retrain", key=model)
    made = await home.core.jobs.run_now(entry.id)
    assert made is not None
    async with asyncio.timeout(90):
        while (run := await home.core.jobs.run(made.id)) and run.state in ("waiting", "running"):
            await asyncio.sleep(0.1)
    assert run is not None
    assert run.state == "done", run.note


async def test_every_model_that_learns_has_a_job(home: House) -> None:
    jobs = await home.core.jobs.find("core", "retrain")
    assert {entry.key for entry in jobs} == set(home.core.learners()) >= {"spam", "sentiment", "fact"}
    admin = await home.person("admin")
    assert "core/retrain spam · whole bot" in (await admin.slash("jobs list")).text


async def test_wrong_pressed_by_several_people_leads_to_a_training_that_the_gate_judges(home: House) -> None:
    admin, one, other = [await home.person(name) for name in ("admin", "member-1", "member-2")]
    told = await admin.slash("models news", channel="models")
    assert "hears of every training" in told.text
    for text in SAID:
        answer = await one.slash("spam score", text=text)
        label = "Wrong" if "Likely spam" in answer.text else "Right"
        for person in (one, other, admin):
            assert "Noted" in (await person.press(answer.message, label)).text
    await run_job(home, "spam")
    news = await admin.sees(lambda m: m.channel_id == admin.channel_id("models") and "spam" in m.text)
    assert "the old version stays" in news.text
    assert "held-out rows only, too few" in news.text
    assert "3 texts that 3 people agree on" in news.text
    assert "answers: 0." in news.text
    assert "refused: 0." in news.text
    assert "starter" in news.text
    assert news.raw["embeds"][0]["image"]["url"].partition("?")[0].endswith("before-after.png")
    async with home.core.database.begin() as connection:
        (row,) = (await connection.execute(select(training))).all()
    assert (row.model, row.feedback_rows, row.people, row.told) == ("spam", 3, 3, True)
    history = await admin.slash("models history", model="spam")
    assert row.version in history.text
    assert "3 texts from feedback of 3 people" in history.text
    assert row.data_sha256[:12] in history.text
    assert "too few" in history.text
    assert "Answering now: default" in history.text
    # Again: no more news here.
    assert "no more news" in (await admin.slash("models news", channel="models")).text


async def test_only_the_owner_goes_back_to_the_version_before(home: House) -> None:
    admin = await home.person("admin", locale="zh-TW")
    member = await home.person("member-1")
    assert "Only those who may manage" in (await member.slash("models rollback", model="spam")).text
    store = home.core.weights.store
    (version,) = store.versions("spam")
    store.promote("spam", version)
    owners, home.core.owners = home.core.owners, frozenset({42})
    assert "擁有者" in (await admin.slash("models rollback", model="spam")).text
    assert store.champion("spam") == version
    home.core.owners = owners
    assert "隨附的權重" in (await admin.slash("models rollback", model="spam")).text
    assert store.champion("spam") is None
    async with home.core.database.begin() as connection:
        acts = (await connection.execute(select(audit.c.act, audit.c.details))).all()
    assert any(act == "model rollback" and "spam" in details for act, details in acts)
    history = await admin.slash("models history", model="spam")
    assert "退回" in history.text
    assert "上線" in history.text


async def test_an_administrator_switches_feedback_off_here(home: House) -> None:
    admin, member = await home.person("admin"), await home.person("member-1")
    before = await member.slash("spam score", text=SAID[0])
    assert before.message.components
    assert "feedback: on" in (await admin.slash("plugins list")).text
    await admin.slash("plugins disable", plugin="feedback")
    assert "feedback: off" in (await admin.slash("plugins list")).text
    after = await member.slash("spam score", text=SAID[0])
    assert not after.message.components
    # A button of before does nothing any more, and says so.
    assert "switched off" in (await member.press(before.message, "Right")).text
    await admin.slash("plugins enable", plugin="feedback")
    assert (await member.slash("spam score", text=SAID[0])).message.components


async def test_forgetting_keeps_the_news_and_forgets_who_asked_for_them(home: House) -> None:
    admin = await home.person("admin")
    await admin.slash("models news")
    await forget(admin)
    assert "no more news" in (await admin.slash("models news")).text
    member = await home.person("member-1")
    assert "Only those who may manage" in (await member.slash("models news")).text


async def test_a_model_without_versions_says_so(home: House) -> None:
    member = await home.person("member-2")
    assert "not been trained here" in (await member.slash("models history", model="fact")).text
    assert "no model named" in (await member.slash("models history", model="nothing")).text
