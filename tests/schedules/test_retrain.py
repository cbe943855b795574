"""A model learns from feedback: enough of it, a training, the gate, the news; killed in between, it goes on."""

import asyncio
import hashlib
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.trainer import train
from plugins.spam.model import SpamModel
from plugins.spam.tables import feedback
from schedules.retrain import run
from schedules.retrain_book import Book
from shared.charts import Charts
from shared.context import JobContext
from shared.database import Database
from shared.errors import Refusal
from shared.learning import Feedback
from shared.migrate import migrate
from shared.predictor import Predictor
from shared.settings import Settings
from shared.store import Store
from shared.tables import news
from shared.tables import training as trainings
from tests.kit.jobs import Hands, job_context
from tests.kit.words import Words, sentences
from tests.kit.worker import warm
from tests.plugins.spam.messages import write

SPAM = Path(__file__).parents[2] / "plugins" / "spam"
PLACE, GONE = 7, 10
AT = 1_700_000_000_000
times = itertools.count(AT)
pytestmark = pytest.mark.asyncio(loop_scope="module")

LEARNERS = {
    model.name: Feedback(model=model, table=feedback, labels=("ham", "spam"), starter=SPAM / "starter.csv")
    for model in (Words, SpamModel)
}
Start = Callable[..., tuple[JobContext, Hands]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an operator's training file: enough to judge on."""
    return write(tmp_path_factory.mktemp("base") / "messages.csv", sentences(700))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def champion(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    """Return a store with a version of Words that answers."""
    root = tmp_path_factory.mktemp("store") / "models"
    await train("tests.kit.words:Words", base, Store(root), lambda _done, note="": None)
    return root


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def predictor() -> AsyncIterator[Predictor]:
    async with warm(Charts) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    await migrate(found)
    await migrate(found, "spam", SPAM / "migrations")
    yield found
    await found.close()


@pytest.fixture
def job(database: Database, predictor: Predictor, tmp_path: Path) -> Start:
    """Return what makes a run of the job."""

    def start(model: str = "words", asked: bool = False, **more: object) -> tuple[JobContext, Hands]:
        chosen: dict[str, object] = {
            "data_dir": tmp_path, "retrain_after": 2, "retrain_gap_hours": 0, "news_channel": PLACE, **more
        }  # fmt: skip
        context, hands = job_context(
            "core",
            database,
            tmp_path,
            settings=Settings(_env_file=None, **chosen),  # type: ignore[arg-type, call-arg]
            arguments={"model": model},
            predictor=predictor,
        )
        hands.gone = frozenset({GONE})
        return replace(context, asked=asked, learners=LEARNERS), hands

    return start


async def press(database: Database, said: Iterable[tuple[int, str, str]]) -> None:
    """Keep (person, text, label), as the buttons do."""
    async with database.begin() as connection:
        for person, text, label in said:
            await connection.execute(
                feedback.insert().values(
                    user_id=person,
                    text=text,
                    digest=hashlib.sha256(text.encode()).hexdigest(),
                    label=label,
                    probability=0.5,
                    created_ms=next(times),
                )
            )


AGREED = [
    (person, text, label)
    for text, label in (
        ("the cheese shop has moved into the old mill, they open at nine", "ham"),
        ("spin the wheel of fortune on our page, every spin is a winner", "spam"),
        ("who took my green bicycle from the shed behind the library", "ham"),
    )
    for person in (1, 2)
]


async def test_enough_feedback_trains_a_version_that_the_gate_judges_and_the_channel_hears_of(
    job: Start, database: Database, tmp_path: Path, base: Path, champion: Path
) -> None:
    shutil.copytree(champion, tmp_path / "models")
    store = Store(tmp_path / "models")
    (before,) = store.versions("words")
    context, hands = job(training={"words": base})
    await press(database, AGREED)
    await run(context)
    _, version = store.versions("words")
    (judgement,) = store.judgements("words", version)
    assert (judgement.against, judgement.passed) == (before, True)
    assert judgement.rows >= 100
    assert store.champion("words") == version
    ((channel, post),) = hands.posts
    assert channel == PLACE
    assert post.title == "🎓 words: a new version answers"
    said = "\n".join([post.text, *(f"{field.name} {field.value}" for field in post.fields)])
    assert f"{judgement.rows} held-out rows" in said
    for metrics in (judgement.rival, judgement.metrics):
        each = metrics["accuracy"]
        assert f"{each.value:.3f} ({each.low:.3f}–{each.high:.3f})" in said
    assert "3 texts that 2 people agree on" in said
    assert post.pictures[0].name == "loss.png"
    (noted,) = await Book(database, "words").all()
    manifest = store.manifest("words", version)
    assert manifest.data is not None
    assert (noted.version, noted.data_sha256, noted.told) == (version, manifest.data.sha256, True)
    assert manifest.data.rows == noted.base_rows + 3
    # What people wrote lies nowhere but in their table.
    assert not list(tmp_path.rglob("words.csv"))
    await run(context)
    assert len(store.versions("words")) == 2


async def test_channels_hear_in_their_own_language_and_one_that_is_gone_keeps_none_from_it(
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    async with database.begin() as connection:
        for channel, locale in ((20, "zh-TW"), (30, "en-US"), (GONE, "en-US")):
            values = {"channel_id": channel, "guild_id": 1, "locale": locale, "created_ms": channel}
            await connection.execute(news.insert().values(**values))
    context, hands = job(training={"words": base}, news_channel=30)
    await press(database, AGREED)
    await run(context)
    told = {channel: str(reply.title) for channel, reply in hands.posts}
    assert told == {20: "🎓 words：改由新版本作答", 30: "🎓 words: a new version answers"}


async def test_too_little_feedback_trains_nothing(
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    context, hands = job(training={"words": base})
    await run(context)
    await press(database, [(1, text, label) for _, text, label in AGREED[::2]])
    await press(database, AGREED[:2][1:])
    await run(context)
    assert not Store(tmp_path / "models").names()
    assert not hands.posts
    off, _ = job(training={"words": base}, feedback=False, asked=True)
    await press(database, AGREED[3:4])
    await run(off)
    assert not Store(tmp_path / "models").names()


async def test_it_waits_between_trainings_unless_asked(
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    await press(database, AGREED[:4])
    await run(job(training={"words": base})[0])
    await press(database, [*AGREED[4:], (1, "see you at the pond", "ham"), (2, "see you at the pond", "ham")])
    patient, _ = job(training={"words": base}, retrain_gap_hours=6)
    await run(patient)
    store = Store(tmp_path / "models")
    assert len(store.versions("words")) == 1
    await run(replace(patient, asked=True))
    assert len(store.versions("words")) == 2


async def test_a_version_judged_on_few_rows_replaces_nothing_by_itself(
    job: Start, database: Database, tmp_path: Path
) -> None:
    context, hands = job("spam")
    await press(database, AGREED)
    await run(context)
    store = Store(tmp_path / "models")
    (version,) = store.versions("spam")
    (judgement,) = store.judgements("spam", version)
    assert not judgement.passed
    assert "too few" in judgement.reason
    assert store.champion("spam") is None
    assert "too few" in hands.posts[0][1].text


async def test_what_was_killed_after_its_training_is_not_trained_again(
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    context, hands = job(training={"words": base})
    await press(database, AGREED)
    # Killed while it trained: the row is begun, nothing is stored.
    training = asyncio.create_task(run(context))
    while not (begun := await Book(database, "words").all()):
        await asyncio.sleep(0.02)
    training.cancel()
    await asyncio.gather(training, return_exceptions=True)
    assert begun[0].ended_ms is None
    # As a later attempt would find it that was killed between storing and judging.
    async with database.begin() as connection:
        await connection.execute(feedback.delete())
    store = Store(tmp_path / "models")
    made = await train("tests.kit.words:Words", base, store, lambda _done, note="": None, promote=False)
    manifest = store.manifest("words", made.version)
    assert manifest.data is not None
    async with database.begin() as connection:
        await connection.execute(trainings.update().values(data_sha256=manifest.data.sha256))
    await run(context)
    assert store.versions("words") == [made.version]
    assert len(store.judgements("words", made.version)) == 1
    (ended,) = await Book(database, "words").all()
    assert (ended.version, ended.told) == (made.version, True)
    assert len(hands.posts) == 1


async def test_what_breaks_off_again_and_again_is_given_up_and_told(
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    context, hands = job(training={"words": base})
    await press(database, AGREED)
    for _ in range(3):
        training = asyncio.create_task(run(context))
        before = await Book(database, "words").all()
        while await Book(database, "words").all() == before:
            await asyncio.sleep(0.02)
        training.cancel()
        await asyncio.gather(training, return_exceptions=True)
    await run(context)
    assert "broke off" in hands.posts[0][1].text
    await run(context)
    assert len(hands.posts) == 1
    assert not Store(tmp_path / "models").versions("words")


async def test_a_base_that_cannot_be_used_is_told_once(
    job: Start, database: Database, tmp_path: Path
) -> None:
    poor = write(tmp_path / "poor.csv", sentences(20))
    context, hands = job(training={"words": poor})
    await press(database, AGREED)
    await run(context)
    await run(context)
    ((_, post),) = hands.posts
    assert "too few texts" in post.text


async def test_only_models_that_learn_are_trained(job: Start, database: Database, tmp_path: Path) -> None:
    context, _ = job()
    with pytest.raises(Refusal, match="learns from feedback"):
        await run(replace(context, arguments={"model": "digits"}))
