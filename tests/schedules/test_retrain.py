"""A model learns from feedback: enough of it, a training, the gate, the news; killed in between, it goes on."""

import asyncio
import hashlib
import itertools
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
from shared.tables import training as trainings
from tests.kit.jobs import Hands, job_context
from tests.kit.worker import warm
from tests.plugins.spam.messages import invented, write

SPAM = Path(__file__).parents[2] / "plugins" / "spam"
PLACE = 7
AT = 1_700_000_000_000
times = itertools.count(AT)
pytestmark = pytest.mark.asyncio(loop_scope="module")

LEARNER = Feedback(model=SpamModel, table=feedback, labels=("ham", "spam"), starter=SPAM / "starter.csv")
Start = Callable[..., tuple[JobContext, Hands]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an operator's training file: enough to judge on."""
    return write(tmp_path_factory.mktemp("base") / "messages.csv", invented(900))


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

    def start(*, asked: bool = False, **more: object) -> tuple[JobContext, Hands]:
        chosen: dict[str, object] = {
            "data_dir": tmp_path, "retrain_after": 2, "retrain_gap_hours": 0, "news_channel": PLACE, **more
        }  # fmt: skip
        context, hands = job_context(
            "core",
            database,
            tmp_path,
            settings=Settings(_env_file=None, **chosen),  # type: ignore[arg-type, call-arg]
            arguments={"model": "spam"},
            predictor=predictor,
        )
        return replace(context, asked=asked, learners={"spam": LEARNER}), hands

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
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    context, hands = job(training={"spam": base})
    await press(database, AGREED)
    await run(context)
    store = Store(tmp_path / "models")
    (version,) = store.versions("spam")
    (judgement,) = store.judgements("spam", version)
    assert judgement.rows >= 100
    assert judgement.metrics["accuracy"].value > 0.9
    ((channel, news),) = hands.posts
    assert channel == PLACE
    assert "spam" in str(news.title)
    assert "3 texts that 2 people agree on" in "".join(field.value for field in news.fields)
    (noted,) = await Book(database, "spam").all()
    manifest = store.manifest("spam", version)
    assert manifest.data is not None
    assert (noted.version, noted.data_sha256, noted.told) == (version, manifest.data.sha256, True)
    assert manifest.data.rows == noted.base_rows + 3
    # What people wrote lies nowhere but in their table.
    assert not list(tmp_path.rglob("spam.csv"))
    await run(context)
    assert store.versions("spam") == [version]


async def test_too_little_feedback_trains_nothing(
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    context, hands = job(training={"spam": base})
    await run(context)
    await press(database, [(1, text, label) for _, text, label in AGREED[::2]])
    await press(database, AGREED[:2][1:])
    await run(context)
    assert not Store(tmp_path / "models").names()
    assert not hands.posts
    off, _ = job(training={"spam": base}, feedback=False, asked=True)
    await press(database, AGREED[3:4])
    await run(off)
    assert not Store(tmp_path / "models").names()


async def test_it_waits_between_trainings_unless_asked(
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    await press(database, AGREED[:4])
    await run(job(training={"spam": base})[0])
    await press(database, [*AGREED[4:], (1, "see you at the pond", "ham"), (2, "see you at the pond", "ham")])
    patient, _ = job(training={"spam": base}, retrain_gap_hours=6)
    await run(patient)
    store = Store(tmp_path / "models")
    assert len(store.versions("spam")) == 1
    await run(replace(patient, asked=True))
    assert len(store.versions("spam")) == 2


async def test_a_version_judged_on_few_rows_replaces_nothing_by_itself(
    job: Start, database: Database, tmp_path: Path
) -> None:
    context, hands = job()
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
    context, hands = job(training={"spam": base})
    await press(database, AGREED)
    # Killed while it trained: the row is begun, nothing is stored.
    training = asyncio.create_task(run(context))
    while not (begun := await Book(database, "spam").all()):
        await asyncio.sleep(0.02)
    training.cancel()
    await asyncio.gather(training, return_exceptions=True)
    assert begun[0].ended_ms is None
    # As a later attempt would find it that was killed between storing and judging.
    async with database.begin() as connection:
        await connection.execute(feedback.delete())
    store = Store(tmp_path / "models")
    made = await train(
        "plugins.spam.model:SpamModel", base, store, lambda _done, note="": None, promote=False
    )
    manifest = store.manifest("spam", made.version)
    assert manifest.data is not None
    async with database.begin() as connection:
        await connection.execute(trainings.update().values(data_sha256=manifest.data.sha256))
    await run(context)
    assert store.versions("spam") == [made.version]
    assert len(store.judgements("spam", made.version)) == 1
    (ended,) = await Book(database, "spam").all()
    assert (ended.version, ended.told) == (made.version, True)
    assert len(hands.posts) == 1


async def test_what_breaks_off_again_and_again_is_given_up_and_told(
    job: Start, database: Database, tmp_path: Path, base: Path
) -> None:
    context, hands = job(training={"spam": base})
    await press(database, AGREED)
    for _ in range(3):
        training = asyncio.create_task(run(context))
        before = await Book(database, "spam").all()
        while await Book(database, "spam").all() == before:
            await asyncio.sleep(0.02)
        training.cancel()
        await asyncio.gather(training, return_exceptions=True)
    await run(context)
    assert "broke off" in hands.posts[0][1].text
    await run(context)
    assert len(hands.posts) == 1
    assert not Store(tmp_path / "models").versions("spam")


async def test_a_base_that_cannot_be_used_is_told_once(
    job: Start, database: Database, tmp_path: Path
) -> None:
    poor = write(tmp_path / "poor.csv", invented(40))
    context, hands = job(training={"spam": poor})
    await press(database, AGREED)
    await run(context)
    await run(context)
    ((_, news),) = hands.posts
    assert "too few messages" in news.text


async def test_only_models_that_learn_are_trained(job: Start, database: Database, tmp_path: Path) -> None:
    context, _ = job()
    with pytest.raises(Refusal, match="learns from feedback"):
        await run(replace(context, arguments={"model": "digits"}))
