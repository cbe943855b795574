"""The model answers any text, says why it gives no verdict, and its words add up to its score without remainder."""

import math
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugins.fact.cleaning import clean
from plugins.fact.linear import Linear
from plugins.fact.mixture import Mixture
from plugins.fact.model import SHOWN, FactModel, FactRequest, FactResult, Reason
from shared.errors import ModelUnavailable
from shared.model import Device
from tests.kit import hostile
from tests.kit.damage import DAMAGES, damage

FAKE_ARTICLE = """BREAKING: President Just Fired The Speaker And Nobody Is Talking About It

The liberal media will never tell you this, but the president has had enough. In a move that shocked everybody in
Washington, the speaker was escorted out of the building by the Secret Service in handcuffs on Friday night.

“He is a traitor and he will pay,” one agent told us. Hillary and her cronies are furious, of course. They should be
locked up next. Share this post if you believe that President Trump will protect America!"""
REAL_ARTICLE = """Senate Passes Budget Bill After Long Debate

The Senate voted 52 to 48 on Thursday to approve a budget resolution, a step that would allow Republicans to pass tax
legislation without Democratic votes. Senator Susan Collins of Maine said in a statement that she had supported the
measure because of an amendment on Medicare spending.

Democrats argued that the plan would add $1.5 trillion to the deficit over the next decade, according to an estimate
by the Congressional Budget Office. “This is a bad deal for the middle class,” said Senator Chuck Schumer of New York,
the minority leader. The House is expected to take up the bill next week, officials said."""
FAKE_POST = (
    "Drinking hot water with lemon and bicarbonate cures coronavirus, says a video shared thousands of times."
)
REAL_POST = (
    "Our daily update is published. We’ve now tracked 1.4 million tests, up 30k from yesterday. States reported 1,121 "
    "new deaths from COVID-19. https://t.co/PZrmH4bl5Y"
)
CODE = """def predict(batch):
    for request in batch:
        if request is None or not isinstance(request, str):
            raise ValueError(f"bad request {request!r}")
    return [math.exp(-score) for score in self.linear.score(texts)]
"""
HOSTILE = [*hostile.TEXTS, "\ue000" * 100, "https://t.co/a " * 400, "a" * 3_000_000, "字\n" * 100_000]


def load() -> FactModel:
    return FactModel.load(FactModel.default, Device())


MODEL = load()


def answer(text: str, model: FactModel = MODEL) -> FactResult:
    (found,) = model.predict([FactRequest(text)])
    assert isinstance(found, FactResult)
    return found


def experts(model: FactModel = MODEL) -> Mixture:
    assert isinstance(model.reader, Mixture)
    return model.reader


@pytest.mark.parametrize(
    ("text", "kind", "verdict"),
    [
        (FAKE_ARTICLE, "article", "unreliable"),
        (REAL_ARTICLE, "article", "reliable"),
        (FAKE_POST, "post", "unreliable"),
        (REAL_POST, "post", "reliable"),
        (clean(REAL_POST).text, "post", "reliable"),
    ],
    ids=["fake article", "real article", "fake post", "real post", "real post without its link"],
)
def test_what_is_like_its_training_gets_a_verdict(text: str, kind: str, verdict: str) -> None:
    found = answer(text)
    assert (found.kind, found.verdict, found.reason) == (kind, verdict, "")
    assert (math.fsum(phrase.weight for phrase in found.phrases) > 0) == (verdict == "unreliable")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("震驚！專家表示喝熱水可以殺死病毒，已有三萬人治癒，請趕快轉發給親友！", "language"),
        ("网友爆料称，这种新冠病毒疫苗会改变人的基因。", "language"),
        ("台灣 CDC reported 本土病例 34 例 and 境外移入 12 cases 請大家戴口罩 stay home", "language"),
        ("Коронавирус можно вылечить горячей водой с лимоном, сообщают эксперты", "language"),
        ("brlk zxqv wpdn qqlt mnbr vvxz kjhg plmk rtzu wvbn", "unlike"),
        (CODE, "unlike"),
        ("The film drags in its second act, but the songs made my whole family cry.", "unlike"),
        ("Covid!", "short"),
        ("", "short"),
        ("https://t.co/PZrmH4bl5Y @somebody", "short"),
    ],
    ids=["traditional", "simplified", "mixed", "Russian", "gibberish", "code", "review", "few", "none", "link"],
)  # fmt: skip
def test_what_is_unlike_its_training_gets_none_and_the_reason(text: str, reason: Reason) -> None:
    found = answer(text)
    assert (found.verdict, found.reason) == ("none", reason)
    assert found.familiarity is not None
    if reason == "unlike":
        assert found.familiarity < 0.05


def test_between_the_zones_nothing_is_said() -> None:
    low, high = experts().grey["post"]
    assert low < 0 < high
    texts = [f"{REAL_POST[:at]} {FAKE_POST[:each]}" for at in (60, 100, 150) for each in (20, 40, 60, 80)]
    found = [answer(text) for text in texts]
    odds = [math.log(each.probability / (1 - each.probability)) for each in found]
    assert any(low < each < high for each in odds)
    for one, each in zip(found, odds, strict=True):
        if one.reason in ("", "grey"):
            assert (one.verdict == "none") == (low < each < high) == (one.reason == "grey")


@given(st.text(st.sampled_from("abcdefgh COVID said 0123 !?  \n你好😀@.—"), max_size=300))
@example(FAKE_ARTICLE)
@example(REAL_ARTICLE)
@example(REAL_POST)
@settings(deadline=None, max_examples=60)
def test_what_the_words_add_is_the_score_without_remainder(text: str) -> None:
    mixture = experts()
    (reading,) = mixture.read([text])
    shares = mixture.shares(clean(text))
    assert math.fsum(shares.values()) == pytest.approx(1.0)
    base = sum(share * _base(mixture.experts[name]) for name, share in shares.items())
    # A text without a word has none to stand for its vector.
    if text.strip():
        assert base + math.fsum(w.weight for w in reading.weights) == pytest.approx(
            reading.log_odds, abs=1e-6
        )


def _base(expert: Linear) -> float:
    return expert.slope * expert.bias + expert.shift


@given(st.text(max_size=150))
@example(REAL_POST)
@example(FAKE_ARTICLE)
@settings(deadline=None, max_examples=60)
def test_each_phrase_is_where_it_says_and_the_strongest_come_first(text: str) -> None:
    found = answer(text)
    assert all(text[phrase.start : phrase.end] == phrase.text for phrase in found.phrases)
    strengths = [abs(phrase.weight) for phrase in found.phrases]
    assert strengths == sorted(strengths, reverse=True)
    assert len(found.phrases) <= SHOWN


def test_a_link_is_shown_whole_and_never_in_the_words_of_the_model() -> None:
    weights = experts().read([REAL_POST])[0].weights
    link = next(w for w in weights if REAL_POST[w.start :].startswith("https"))
    assert REAL_POST[link.start : link.end] == "https://t.co/PZrmH4bl5Y"


@given(st.lists(st.sampled_from([FAKE_ARTICLE, REAL_POST, FAKE_POST, "", "你好", CODE, "x y z"]), max_size=6))
@settings(deadline=None, max_examples=20)
def test_a_batch_answers_as_its_items_do_alone(texts: list[str]) -> None:
    together = MODEL.predict([FactRequest(text) for text in texts])
    for text, found in zip(texts, together, strict=True):
        alone = answer(text)
        assert isinstance(found, FactResult)
        assert found.probability == pytest.approx(alone.probability, abs=1e-5)
        assert (found.verdict, found.reason) == (alone.verdict, alone.reason)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_any_text_has_an_answer_that_crosses_the_wire(text: str) -> None:
    found = answer(text)
    assert 0.0 <= found.probability <= 1.0
    assert found.verdict == "none"
    if text.isprintable():
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=FactResult) == found


def test_the_weights_that_ship_are_small() -> None:
    assert FactModel.default is not None
    assert sum(path.stat().st_size for path in FactModel.default.iterdir()) < 6 * 2**20


@pytest.mark.parametrize("kind", [*DAMAGES, "too few numbers", "no expert"])
def test_damaged_weights_are_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    assert FactModel.default is not None
    folder = tmp_path / "weights"
    shutil.copytree(FactModel.default, folder)
    words = folder / "model.json"
    match kind:
        case "too few numbers":
            words.write_text(words.read_text().replace('"word":[', '"word":["one more gram",'))
        case "no expert":
            words.write_text('{"format":1,"experts":{},"novelties":{},"grey":{}}')
        case _:
            damage(folder, kind)
    with pytest.raises(ModelUnavailable, match="weights of fact cannot be read"):
        FactModel.load(folder, Device())


def test_without_a_folder_there_is_no_model() -> None:
    with pytest.raises(ModelUnavailable, match="fact"):
        FactModel.load(None, Device())


def test_numbers_that_are_none_are_refused() -> None:
    expert = experts().experts["post"]
    tensors = expert.numbers("post")
    tensors["post.word.weight"] = np.full_like(tensors["post.word.weight"], np.nan)
    with pytest.raises(ValueError, match="numbers"):
        Linear.of(expert.document(), tensors, "post")


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, plugins.fact, plugins.fact.commands\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'pandas', 'torch', 'transformers', 'matplotlib', 'safetensors'}\n"
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
        "from plugins.fact.model import FactModel, FactRequest\n"
        "from shared.model import Device\n"
        "FactModel.load(FactModel.default, Device()).predict([FactRequest('hello')])\n"
        "print(sorted({'sklearn', 'pandas', 'transformers'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert ran.stdout.strip() == "[]"
