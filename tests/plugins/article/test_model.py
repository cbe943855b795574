"""The model's summaries are quotes of the text, as many as asked at most, whatever the text is."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.article.model import SummaryModel, SummaryRequest, SummaryResult
from plugins.article.scorer import FILES
from shared.errors import ModelUnavailable
from shared.model import Device, Failure
from tests.kit.tiny import tiny_bert, tiny_mt5, tiny_t5
from tests.plugins.article.articles import CHINESE, ENGLISH

HOSTILE = [
    "\0" * 50, "😀🎉👨‍👩‍👧", "a" * 6000, "a. " * 3000, "9" * 6000, "مرحبا بالعالم. هذا نص.", "\u202eevil\u202c",
    "@everyone **free** ```ansi\x1b[31m```", "\ud800\udfff", "İİİ ﬁ ß Ǆ", "　全形　空白　", "?", "。。。", "\n.\n.\n",
    "no stop at all " * 400, "<html><body>" * 900,
]  # fmt: skip
PIECES = st.sampled_from(
    [
        "The bridge is closed. ",
        "It rains",
        ". ",
        "今天下雨。",
        "\n",
        "😀",
        "مرحبا ",
        "“Why?” ",
        "3.5 ",
        "a",
        "！",
        "\u202e",
    ]
)


def load() -> SummaryModel:
    return SummaryModel.load(SummaryModel.default, Device())


MODEL = load()


def answer(text: str, model: SummaryModel = MODEL, **wishes: object) -> SummaryResult:
    (found,) = model.predict([msgspec.convert({"text": text, **wishes}, SummaryRequest)])
    assert isinstance(found, SummaryResult)
    return found


@given(st.lists(PIECES, max_size=40).map("".join), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_a_summary_is_made_of_exact_quotes_in_order(text: str, count: int) -> None:
    (found,) = MODEL.predict([SummaryRequest(text, sentences=count)])
    if isinstance(found, Failure):
        assert found.refusal
        assert not text.strip()
        return
    assert 1 <= len(found.passages) <= count
    ends = 0
    for passage in found.passages:
        assert passage.exact
        assert text[passage.start : passage.end] == passage.said
        assert passage.start >= ends
        assert 0 <= passage.score <= 1
        ends = passage.end
    assert found.kind == "extractive"


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_any_text_has_an_answer_that_crosses_the_wire(text: str) -> None:
    (found,) = MODEL.predict([SummaryRequest(text)])
    if isinstance(found, Failure):
        assert found.refusal
    if "\ud800" not in text:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=type(found)) == found


def test_an_english_article_is_summed_up_by_what_it_is_about() -> None:
    found = answer(ENGLISH)
    assert len(found.passages) == 3
    assert found.language == "en"
    assert found.headline == "Harbour bridge to close for eighteen months"
    assert "will close to all traffic in April" in found.text
    assert "It rained" not in found.text
    assert found.summary_words < found.words
    assert (found.characters, found.read, found.short) == (0, 1.0, False)


def test_a_chinese_article_is_summed_up_by_what_it_is_about() -> None:
    found = answer(CHINESE)
    assert len(found.passages) == 3
    assert found.language == "zh"
    assert "南環段的動工典禮" in found.text
    assert "天氣晴朗" not in found.text
    assert "。 " not in found.text
    assert found.summary_characters < found.characters


def test_simplified_and_traditional_choose_the_same_sentences() -> None:
    from shared.language import simplified

    traditional, other = answer(CHINESE, sentences=2), answer(simplified(CHINESE), sentences=2)
    assert simplified(traditional.text) == other.text


def test_mixed_languages_are_summarised_too() -> None:
    found = answer(f"{CHINESE}\n\n{ENGLISH}", sentences=6)
    assert len(found.passages) == 6
    assert found.words > 0
    assert found.characters > 0


def test_a_text_with_no_more_sentences_than_asked_comes_back_whole() -> None:
    text = "The bridge closes in April. Work takes eighteen months."
    found = answer(text, sentences=5)
    assert found.short
    assert found.text == text
    assert not answer(ENGLISH, sentences=2).short


def test_a_share_bounds_the_length() -> None:
    found = answer(ENGLISH, share=0.3)
    assert 0.1 < found.summary_words / found.words <= 0.3
    assert len(answer(ENGLISH, share=0.6).passages) > len(found.passages)


def test_a_batch_answers_as_its_items_do_alone() -> None:
    requests = [
        SummaryRequest(ENGLISH),
        SummaryRequest(""),
        SummaryRequest(CHINESE),
        SummaryRequest("Short one here."),
    ]
    together = MODEL.predict(requests)
    assert isinstance(together[1], Failure)
    for request, found in zip(requests, together, strict=True):
        (alone,) = MODEL.predict([request])
        if isinstance(found, SummaryResult):
            assert isinstance(alone, SummaryResult)
            assert found.text == alone.text


def test_the_language_can_be_said() -> None:
    assert answer("你好嗎 hello there my friend of old.", language="en").language == "en"


def test_huge_texts_are_answered_and_what_was_not_read_is_told() -> None:
    text = " ".join(f"Sentence number {n} speaks of item {n * 7 % 1000} again." for n in range(60_000))
    started = time.monotonic()
    found = answer(text)
    assert found.read < 0.05
    assert len(found.passages) == 3
    # Not a timing: a way that is quadratic would take hours.
    assert time.monotonic() - started < 120


def test_a_repeated_sentence_is_quoted_once() -> None:
    found = answer("The bridge is closed today. " * 30 + "Trains are not affected by it at all.", sentences=3)
    assert len(found.passages) == 2


def test_the_weights_that_ship_are_small_and_have_a_card() -> None:
    assert SummaryModel.default is not None
    assert sum(path.stat().st_size for path in SummaryModel.default.iterdir()) < 4 * 2**20
    card = (SummaryModel.default / "CARD.md").read_text(encoding="utf-8")
    assert "ROUGE-1" in card
    assert "lead-3" in card


@pytest.mark.parametrize(
    "damage", ["no file", "cut short", "not json", "other format", "other features", "pickle"]
)
def test_damaged_weights_are_refused_in_one_sentence(tmp_path: Path, damage: str) -> None:
    assert SummaryModel.default is not None
    folder = tmp_path / "weights"
    shutil.copytree(SummaryModel.default, folder)
    trees, document = folder / FILES[0], folder / "model.json"
    match damage:
        case "no file":
            trees.unlink()
        case "cut short":
            trees.write_bytes(trees.read_bytes()[:-100])
        case "not json":
            document.write_bytes(b"\xff\xfe{")
        case "other format":
            document.write_text(document.read_text().replace('"format": 1', '"format": 99'))
        case "other features":
            document.write_text(document.read_text().replace('"place"', '"palace"'))
        case "pickle":
            trees.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07failure\x94.")
    with pytest.raises(ModelUnavailable, match="weights of summary cannot be read"):
        SummaryModel.load(folder, Device())


def test_without_a_folder_there_is_no_model() -> None:
    with pytest.raises(ModelUnavailable, match="summary"):
        SummaryModel.load(None, Device())


def test_importing_the_model_imports_nothing_heavy() -> None:
    code = (
        "import sys, plugins.article, plugins.article.model\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'xgboost', 'torch', 'transformers', 'sentencepiece', 'rouge_score'}\n"
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


def test_a_transformer_s_folder_answers_in_its_own_words_with_the_nearest_passages(tmp_path: Path) -> None:
    model = SummaryModel.load(tiny_mt5(tmp_path / "mt5"), Device())
    found = answer(
        "rain in the city today. the market was very poor. team wins the cup. bank rates rise.", model
    )
    assert found.kind == "abstractive"
    assert not any(passage.exact for passage in found.passages)
    assert "".join(found.text.split()) == "".join("".join(p.said for p in found.passages).split())
    assert found.passages


def test_what_a_transformer_cannot_read_is_answered_by_quotes(tmp_path: Path) -> None:
    model = SummaryModel.load(tiny_t5(tmp_path / "t5"), Device())
    found = answer(CHINESE, model)
    assert found.kind == "extractive"
    assert all(CHINESE[p.start : p.end] == p.said for p in found.passages)


def test_a_transformer_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable):
        SummaryModel.load(tiny_bert(tmp_path / "bert"), Device())
