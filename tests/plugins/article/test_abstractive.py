"""Summaries in a model's own words: length, long articles by pieces, time, and training, with tiny models made here."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.article.abstractive import CHUNKS, PREFIXES, Abstractive, Wish, fine_tune
from shared.errors import ModelUnavailable
from shared.language import sentences
from shared.model import Device
from tests.kit.tiny import HAN, tiny_bart, tiny_bert, tiny_mt5, tiny_t5

CPU = Device()
SUBJECTS = {
    "rain": ("rain in the city today", "rain fall rain today"),
    "bank": ("bank rates rise", "the market was very poor"),
    "team": ("team wins the cup", "we saw a good final"),
}


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Abstractive:
    return Abstractive.load(tiny_t5(tmp_path_factory.mktemp("t5") / "tiny"), CPU)


@pytest.fixture(scope="module")
def bart(tmp_path_factory: pytest.TempPathFactory) -> Abstractive:
    """Return one that reads 128 tokens, so that articles of a page are long."""
    return Abstractive.load(tiny_bart(tmp_path_factory.mktemp("bart") / "tiny"), CPU)


@pytest.fixture(scope="module")
def mt5(tmp_path_factory: pytest.TempPathFactory) -> Abstractive:
    return Abstractive.load(tiny_mt5(tmp_path_factory.mktemp("mt5") / "tiny"), CPU)


def quiet(done: float, note: str = "") -> None:
    """Hear of progress, and say nothing."""


def bare(text: str) -> str:
    return "".join(text.split())


def test_only_t5_is_told_its_task(t5: Abstractive, bart: Abstractive, mt5: Abstractive) -> None:
    assert [each.writer.prefix for each in (t5, bart, mt5)] == ["summarize: ", "", ""]
    assert [each.kind for each in (t5, bart, mt5)] == ["t5", "bart", "mt5"]
    assert [each.reads("今天下雨。") for each in (t5, bart, mt5)] == [False, False, True]
    assert set(PREFIXES) == {"t5"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.sampled_from(
                ["The bank rates rise. ", "今天下雨。", "x" * 700, "电影" * 300, "Mr. A saw it! ", "\n\n"]
            ),
        ),
        max_size=40,
    )
)
def test_pieces_hold_every_character_in_order_and_fit(bart: Abstractive, pieces: list[str]) -> None:
    article = "".join(pieces)
    chunks = bart.chunks(article)
    assert bare("".join(chunks)) == bare(article)
    assert all(chunk.strip() for chunk in chunks)
    # What one sentence and the next have in common at their border may cost a token more.
    assert all(count <= bart.writer.room + 2 for count in bart.writer.count(chunks))


def test_pieces_end_where_sentences_end_and_are_of_like_length(bart: Abstractive) -> None:
    article = " ".join(f"The team {'saw the film ' * (index % 4)}wins the cup." for index in range(60))
    chunks = bart.chunks(article)
    assert len(chunks) > 2
    ends = {article[start:end] for start, end in sentences(article)}
    assert all({chunk[s:e] for s, e in sentences(chunk)} <= ends for chunk in chunks)
    counts = bart.writer.count(chunks)
    assert min(counts) > max(counts) / 2


def test_short_and_long_articles_are_summarised_together_and_alone_alike(bart: Abstractive) -> None:
    long = " ".join(f"The bank rates rise {index}." for index in range(60))
    articles = ["The team wins the cup.", long, "", "Rain today. " * 3, "。"]
    wishes = [Wish(2), Wish(3), Wish(), Wish(share=0.5), Wish()]
    drafts = bart.summarise(articles, wishes)
    assert [draft is None for draft in drafts] == [False, False, True, False, False] or drafts[4] is None
    assert drafts[1] is not None
    assert drafts[1].read == pytest.approx(1.0, abs=0.02)
    alone = [bart.summarise([article], [wish])[0] for article, wish in zip(articles, wishes, strict=True)]
    assert alone == drafts


def test_a_summary_has_no_more_sentences_than_wished_and_its_length_follows_the_share(
    mt5: Abstractive,
) -> None:
    article = " ".join(f"We saw the film and the hotel {index}." for index in range(12))
    for count in (1, 3):
        (draft,) = mt5.summarise([article], [Wish(count)])
        assert draft is not None
        assert len(sentences(draft.text)) <= count
    lengths = []
    for share in (0.1, 0.6):
        (draft,) = mt5.summarise([article], [Wish(share=share)])
        assert draft is not None
        lengths.append(mt5.writer.count([draft.text])[0])
    assert lengths[0] * 2 < lengths[1]


def test_of_a_very_long_article_so_many_pieces_are_read_and_it_is_said(bart: Abstractive) -> None:
    article = "The bank rates rise in the market today. " * 800
    assert len(bart.chunks(article)) > 2 * CHUNKS
    (draft,) = bart.summarise([article], [Wish(3)])
    assert draft is not None
    assert draft.text
    assert 0.01 < draft.read < 0.5


def test_where_time_is_over_nothing_is_returned_and_nobody_waits(bart: Abstractive) -> None:
    article = "The bank rates rise in the market today. " * 200
    assert bart.summarise(["Rain today.", article], [Wish(), Wish()], seconds=0.0) == [None, None]
    started = time.monotonic()
    drafts = bart.summarise([article] * 8, [Wish(share=0.5)] * 8, seconds=0.3)
    # Far from the time that all of them take.
    assert time.monotonic() - started < 5
    assert len(drafts) == 8


@pytest.mark.parametrize(("make", "epochs"), [(tiny_t5, 24), (tiny_bart, 40)])
def test_fine_tuning_learns_to_tell_what_an_article_is_about(
    make: Callable[[Path], Path], epochs: int, tmp_path: Path
) -> None:
    base = make(tmp_path / "base")
    drawn, articles, summaries = random.Random(1), [], []
    for index in range(90):
        subject = list(SUBJECTS)[index % 3]
        words = [
            drawn.choice(("the film was good", "we saw a room", "and the food is fine")) for _ in range(2)
        ]
        words.insert(drawn.randrange(3), SUBJECTS[subject][0])
        articles.append(". ".join(words) + ".")
        summaries.append(SUBJECTS[subject][1])
    steps: list[float] = []
    fine_tune(
        base, articles, summaries, tmp_path / "new", lambda done, note="": steps.append(done), CPU,
        epochs=epochs, rate=3e-3, batch=8,
    )  # fmt: skip
    model = Abstractive.load(tmp_path / "new", CPU)
    new = [
        "The food is fine. bank rates rise. a room.",
        "team wins the cup. the film was good. we saw a room.",
    ]
    drafts = model.summarise(new, [Wish(1), Wish(1)])
    assert [draft.text for draft in drafts if draft] == [SUBJECTS["bank"][1], SUBJECTS["team"][1]]
    assert steps == sorted(steps)
    assert {path.suffix for path in (tmp_path / "new").iterdir()} <= {
        ".json",
        ".safetensors",
        ".txt",
        ".model",
    }


def test_chinese_is_summarised_by_what_reads_it(mt5: Abstractive) -> None:
    article = "".join(HAN[index % 20 : index % 20 + 8] + "。" for index in range(200))
    (draft,) = mt5.summarise([article], [Wish(2)])
    assert draft is not None
    assert draft.read == pytest.approx(1.0, abs=0.02)


def test_a_classifier_is_no_summariser(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be used"):
        Abstractive.load(tiny_bert(tmp_path / "bert"), CPU)
    with pytest.raises(ModelUnavailable, match=r"has no config\.json"):
        Abstractive.load(tmp_path, CPU)
