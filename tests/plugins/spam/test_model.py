"""The spam model answers any text, and its words add up to its score without remainder."""

import math
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugins.spam.features import character_grams, fold, word_grams, words
from plugins.spam.model import LEAST, SHOWN, SpamModel, SpamRequest, SpamResult
from shared.errors import ModelUnavailable
from shared.model import Device
from tests.kit import hostile
from tests.kit.damage import DAMAGES, damage

SPAM = "WINNER!! You have been selected to receive a £900 prize reward! To claim call 09061701461. Valid 12 hours only"
HAM = "ok, no problem. I'm on the bus already, will be home in ten minutes and then we can have dinner"
HOSTILE = [*hostile.TEXTS, "£" * 3000]


@pytest.fixture(scope="module")
def model() -> SpamModel:
    return load()


def load() -> SpamModel:
    return SpamModel.load(SpamModel.default, Device())


def answer(model: SpamModel, text: str) -> SpamResult:
    (found,) = model.predict([SpamRequest(text)])
    assert isinstance(found, SpamResult)
    return found


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def computed_anew(model: SpamModel, text: str) -> float:
    """Return the log-odds by the formula, gram by gram, without taking the text apart by words."""
    found, linear = words(text), model.linear
    grams = {
        "word": Counter(gram for gram, _, _ in word_grams(found)),
        "character": Counter(gram for word in found for gram in character_grams(word.folded)),
    }
    decision = linear.bias
    for name, view in linear.views.items():
        strengths = {
            view.grams[gram]: (1 + math.log(count)) * view.idf[view.grams[gram]]
            for gram, count in grams[name].items()
            if gram in view.grams
        }
        norm = math.sqrt(sum(s * s for s in strengths.values()) + view.floor**2)
        decision += sum(s / norm * view.weight[at] for at, s in strengths.items())
    return float(linear.slope * decision + linear.shift)


MODEL = load()


@given(st.text(st.sampled_from("abcdefgh call FREE win £ 0123 !?  \n你好😀"), max_size=200))
@example(SPAM)
@example(HAM)
@settings(deadline=None)
def test_what_the_words_add_is_the_score_without_remainder(text: str) -> None:
    (scored,) = MODEL.linear.score([text])
    assert scored.base + math.fsum(scored.weights) == pytest.approx(computed_anew(MODEL, text), abs=1e-9)
    probability = answer(MODEL, text).probability
    assert log_odds(probability) == pytest.approx(scored.base + math.fsum(scored.weights), abs=1e-6)


@given(st.text(max_size=120))
@settings(deadline=None)
def test_each_word_is_where_it_says_and_the_strongest_come_first(text: str) -> None:
    found = answer(MODEL, text)
    assert all(text[word.start : word.end] == word.word for word in found.words)
    strengths = [abs(word.weight) for word in found.words]
    assert strengths == sorted(strengths, reverse=True)
    assert len(found.words) <= SHOWN
    assert all(strength >= LEAST for strength in strengths)
    assert 0.0 <= found.known <= 1.0


@given(st.lists(st.text(max_size=80), max_size=12))
@settings(deadline=None, max_examples=50)
def test_a_batch_answers_as_its_items_do_alone(texts: list[str]) -> None:
    together = MODEL.predict([SpamRequest(text) for text in texts])
    for text, found in zip(texts, together, strict=True):
        alone = answer(MODEL, text)
        assert isinstance(found, SpamResult)
        assert found.probability == pytest.approx(alone.probability)
        assert [word.word for word in found.words] == [word.word for word in alone.words]


def test_spam_is_spam_and_small_talk_is_not(model: SpamModel) -> None:
    spam, ham = answer(model, SPAM), answer(model, HAM)
    assert spam.spam
    assert spam.probability > 0.95
    assert not ham.spam
    assert ham.probability < 0.05
    assert spam.words[0].weight > 0
    assert {"£900", "prize"} <= {word.word for word in spam.words}
    assert min(spam.known, ham.known) > 0.8


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_any_text_has_a_probability_that_crosses_the_wire(model: SpamModel, text: str) -> None:
    found = answer(model, text)
    assert 0.0 < found.probability < 1.0
    if text.isprintable():
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=SpamResult) == found


@pytest.mark.parametrize("text", ["", "😀🎉", "你好，恭喜您中獎了，請撥打電話領取獎金", "مرحبا بالعالم"])
def test_what_it_does_not_know_it_says_and_stays_near_where_it_began(model: SpamModel, text: str) -> None:
    found = answer(model, text)
    assert found.known == 0.0
    assert abs(log_odds(found.probability) - model.linear.base) < 0.5
    assert found.words == []


def test_english_among_unknown_words_is_known_by_its_share(model: SpamModel) -> None:
    assert answer(model, "call 中獎了 me 恭喜您").known == pytest.approx(0.5)


@pytest.mark.parametrize("text", ["1", "5", "42", "£", "!", "call", "free"])
def test_a_lone_word_is_not_enough_for_a_verdict(model: SpamModel, text: str) -> None:
    assert not answer(model, text).spam


@given(st.text())
def test_folding_keeps_every_place(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert all(not text[word.start : word.end].isspace() for word in words(text))


def test_the_weights_that_ship_are_small() -> None:
    assert SpamModel.default is not None
    assert sum(path.stat().st_size for path in SpamModel.default.iterdir()) < 3 * 2**20


@pytest.mark.parametrize("kind", [*DAMAGES, "too few numbers"])
def test_damaged_weights_are_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    assert SpamModel.default is not None
    folder = tmp_path / "weights"
    shutil.copytree(SpamModel.default, folder)
    words_file = folder / "model.json"
    match kind:
        case "too few numbers":
            words_file.write_text(words_file.read_text().replace('"word":[', '"word":["one more gram",'))
        case _:
            damage(folder, kind)
    with pytest.raises(ModelUnavailable, match="weights of spam cannot be read"):
        SpamModel.load(folder, Device())


def test_without_a_folder_there_is_no_model() -> None:
    with pytest.raises(ModelUnavailable, match="spam"):
        SpamModel.load(None, Device())


def test_importing_the_model_imports_nothing_heavy() -> None:
    code = (
        "import sys, plugins.spam.model, shared.charts, shared.model\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'xgboost', 'pandas', 'torch', 'matplotlib', 'PIL', 'safetensors'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert ran.stdout.strip() == "[]"


def test_answering_needs_no_training_package() -> None:
    code = (
        "import sys\n"
        "from plugins.spam.model import SpamModel, SpamRequest\n"
        "from shared.model import Device\n"
        "SpamModel.load(SpamModel.default, Device()).predict([SpamRequest('hello')])\n"
        "print(sorted({'scipy', 'sklearn', 'xgboost', 'pandas', 'torch'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert ran.stdout.strip() == "[]"
