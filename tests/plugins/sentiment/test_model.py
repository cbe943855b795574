"""The weights that ship: what they say of texts, that it adds up, and that nothing odd breaks them."""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugins.sentiment.ensemble import Ensemble, Part
from plugins.sentiment.features import LONGEST
from plugins.sentiment.model import SentimentModel, SentimentRequest, SentimentResult
from plugins.sentiment.reading import LEAST, SHOWN, EnsembleReader, encoder
from plugins.sentiment.sentences import read_sentences
from shared.errors import ModelUnavailable
from shared.language import Language, language_of
from shared.model import Device
from tests.kit import hostile
from tests.kit.damage import DAMAGES, damage

GLAD = "What a wonderful film, beautifully acted; I loved it and it is one of the best I have seen."
SAD = "A boring, awful waste of time: the worst acting and the dullest story I have ever seen."
HOSTILE = [*hostile.TEXTS, "很" * 9000]
ROOTS = [Path(__file__).parents[4] / "shared" / "data", Path(os.environ.get("HEARTH_SHARED_DATA", "."))]


def load() -> SentimentModel:
    return SentimentModel.load(SentimentModel.default, Device())


MODEL = load()


def answer(text: str) -> SentimentResult:
    (found,) = MODEL.predict([SentimentRequest(text)])
    assert isinstance(found, SentimentResult)
    return found


def part_of(language: Language) -> Part:
    assert isinstance(MODEL.reader, EnsembleReader)
    return MODEL.reader.ensemble.parts[language]


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


TEXTS = st.text(max_size=120) | st.lists(
    st.sampled_from(
        ["great ", "not ", "boring ", "the ", "7/10 ", "! ", "很", "髒", "好", "房間", "，", "<br />", "😀"]
    ),
    max_size=60,
).map("".join)


@given(TEXTS)
@example(GLAD)
@example(SAD)
@settings(deadline=None, max_examples=60)
def test_what_the_words_add_is_the_log_odds_without_remainder(text: str) -> None:
    language = language_of(text)
    part = part_of(language)
    encode = encoder([part], Device())
    (scored,) = part.score([text], language, encode)
    read = None if part.sentences is None else read_sentences([text], encode)
    taken, ids = part.members([scored.tokens], read)
    slope = float(part.calibration.slopes((ids > 0).sum(keepdims=True).astype(float))[0])
    mixed = sum(mix * float(each.scores[0]) for mix, each in zip(part.calibration.mix, taken, strict=True))
    expected = slope * mixed + part.calibration.shift
    assert scored.base + math.fsum(scored.weights) == pytest.approx(expected, abs=1e-5)
    assert log_odds(answer(text).probability) == pytest.approx(expected, abs=1e-5)


@given(TEXTS)
@settings(deadline=None, max_examples=60)
def test_each_word_is_where_it_says_and_the_strongest_come_first(text: str) -> None:
    found = answer(text)
    assert all(text[word.start : word.end] == word.word for word in found.words)
    strengths = [abs(word.weight) for word in found.words]
    assert strengths == sorted(strengths, reverse=True)
    assert len(found.words) <= SHOWN
    assert all(strength >= LEAST for strength in strengths)
    assert 0.0 <= found.known <= 1.0


@given(st.lists(TEXTS, max_size=8))
@settings(deadline=None, max_examples=30)
def test_a_batch_answers_as_its_items_do_alone(texts: list[str]) -> None:
    together = MODEL.predict([SentimentRequest(text) for text in texts])
    for text, found in zip(texts, together, strict=True):
        alone = answer(text)
        assert isinstance(found, SentimentResult)
        assert found.probability == pytest.approx(alone.probability, abs=1e-6)
        assert (found.verdict, found.language) == (alone.verdict, alone.language)


@pytest.mark.parametrize(
    ("text", "verdict", "language"),
    [
        (GLAD, "positive", "en"),
        (SAD, "negative", "en"),
        ("房間很髒，服務態度很差，隔音也不好，非常失望，不會再來了。", "negative", "zh"),
        ("房间非常干净，服务热情，早餐也很好，下次还会再来，推荐！", "positive", "zh"),
    ],
)
def test_what_is_plain_is_said(text: str, verdict: str, language: Language) -> None:
    found = answer(text)
    assert (found.verdict, found.reason, found.language) == (verdict, "", language)
    assert max(found.probability, 1 - found.probability) > 0.85
    assert (found.words[0].weight > 0) is (verdict == "positive")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_any_text_has_a_probability_that_crosses_the_wire(text: str) -> None:
    found = answer(text)
    assert 0.0 < found.probability < 1.0
    if text.isprintable():
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=SentimentResult) == found


@pytest.mark.parametrize("text", ["", "😀🎉", "مرحبا بالعالم", "Zxqv blorp wibble frumious"])
def test_what_it_does_not_know_it_leaves_open(text: str) -> None:
    found = answer(text)
    assert (found.verdict, found.reason) == ("unclear", "unknown")


def test_words_beyond_the_limit_change_nothing() -> None:
    text = "fine " * (LONGEST // 5)
    assert answer(text + SAD).probability == answer(text).probability


def test_a_line_is_judged_with_less_certainty_than_the_same_said_at_length() -> None:
    assert abs(log_odds(answer("boring").probability)) < abs(log_odds(answer(SAD * 3).probability))


def test_nobody_is_told_words_that_were_not_asked_for() -> None:
    (found,) = MODEL.predict([SentimentRequest(GLAD, words=False)])
    assert isinstance(found, SentimentResult)
    assert found.words == []
    assert found.probability == answer(GLAD).probability


def test_the_weights_that_ship_are_small() -> None:
    assert SentimentModel.default is not None
    assert sum(path.stat().st_size for path in SentimentModel.default.iterdir()) < 12 * 2**20


@pytest.mark.parametrize("kind", [*DAMAGES, "other words"])
def test_damaged_weights_are_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    assert SentimentModel.default is not None
    folder = tmp_path / "weights"
    shutil.copytree(SentimentModel.default, folder)
    words = folder / "model.json"
    match kind:
        case "other words":
            words.write_text(words.read_text().replace('"mix":[', '"mix":[0.5,0.5,0.5,'))
        case _:
            damage(folder, kind)
    with pytest.raises(ModelUnavailable, match="weights of sentiment cannot be read"):
        SentimentModel.load(folder, Device())


def test_without_a_folder_there_is_no_model() -> None:
    with pytest.raises(ModelUnavailable, match="sentiment"):
        SentimentModel.load(None, Device())


def test_a_language_without_a_part_is_left_open() -> None:
    part = part_of("en")
    only = SentimentModel(EnsembleReader(Ensemble({"en": part}), encoder([part], Device())))
    glad, guest = only.predict([SentimentRequest(GLAD), SentimentRequest("房間很髒")])
    assert isinstance(glad, SentimentResult)
    assert isinstance(guest, SentimentResult)
    assert (glad.verdict, guest.verdict, guest.reason) == ("positive", "unclear", "unknown")


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import plugins.sentiment", ("numpy", "scipy", "sklearn", "torch", "PIL", "safetensors", "transformers")),
        (
            "from plugins.sentiment.model import *\n"
            "SentimentModel.load(SentimentModel.default, Device()).predict([SentimentRequest('hello')])",
            ("scipy", "sklearn", "pandas", "transformers"),
        ),
    ],
    ids=["the bot", "the worker"],
)  # fmt: skip
def test_neither_the_bot_nor_answering_imports_what_only_training_needs(
    code: str, heavy: tuple[str, ...]
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(sorted(set({heavy!r}) & sys.modules.keys()))"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("file", "part", "least"),
    [("imdb_dev.csv.gz", "holdout", 0.92), ("hotel_reviews_zh.csv.gz", "holdout", 0.91)],
)
def test_the_weights_that_ship_are_as_good_as_their_card_says(file: str, part: str, least: float) -> None:
    data = next((root / file for root in ROOTS if (root / file).is_file()), None)
    if data is None:
        pytest.skip(f"{file} is not at {' or '.join(map(str, ROOTS))}")
    report = MODEL.evaluate(data, "holdout" if part == "holdout" else "all")
    assert SentimentModel.default is not None
    card = (SentimentModel.default / "CARD.md").read_text(encoding="utf-8")
    for name, found in report.metrics.items():
        assert f"| {name} | {found.value:.3f} | {found.low:.3f} – {found.high:.3f} |" in card
    assert report.metrics["accuracy"].value >= least
