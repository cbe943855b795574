"""ROUGE is the library's on English, by characters on Chinese, and the report puts it beside the baseline."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from shared.quality import not_worse
from shared.rouge import MAX_TOKENS, METRICS, rouge, rouge_report, rouge_tokens

REFERENCE = "The council approved the bridge.Work begins in March, and costs £4m."
CLOSE = "Work on the bridge begins in March."
FAR = "Cats sleep all day long."


def of(reference: str, candidate: str) -> dict[str, float]:
    return {name: float(values[0]) for name, values in rouge([reference], [candidate]).items()}


@given(
    st.text(st.sampled_from("ab c. D,e-1 é\n'"), max_size=60),
    st.text(st.sampled_from("ab c. D,e-1 é\n'"), max_size=60),
)
@settings(deadline=None)
def test_english_is_scored_as_the_library_does_without_stemming(reference: str, candidate: str) -> None:
    library = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False).score(reference, candidate)
    assert of(reference, candidate) == {
        "rouge1_f": pytest.approx(library["rouge1"].fmeasure),
        "rouge2_f": pytest.approx(library["rouge2"].fmeasure),
        "rougeL_f": pytest.approx(library["rougeL"].fmeasure),
    }


def test_figures_worked_out_by_hand() -> None:
    # 3 of 4 and 3 of 3 words; 1 of 3 and 1 of 2 pairs; the longest common subsequence is "a b" or "a d".
    assert of("a b c d", "a b d") == {
        "rouge1_f": pytest.approx(6 / 7),
        "rouge2_f": pytest.approx(2 / 5),
        "rougeL_f": pytest.approx(6 / 7),
    }


def test_chinese_is_compared_by_characters_in_either_script() -> None:
    assert rouge_tokens("臺北 101 大樓。") == ["台", "北", "101", "大", "楼"]
    assert of("今天下雨", "今天下雨")["rouge2_f"] == 1.0
    assert of("體育館開幕", "体育馆开幕")["rouge1_f"] == 1.0
    assert of("今天下雨", "明天下雪")["rouge1_f"] == pytest.approx(0.5)


def test_very_long_texts_are_cut() -> None:
    assert len(rouge_tokens("word " * 10 * MAX_TOKENS)) == MAX_TOKENS


def test_nothing_in_common_is_zero_and_nothing_at_all_too() -> None:
    assert set(of(REFERENCE, FAR).values()) == {0.0}
    assert set(of(REFERENCE, "").values()) == {0.0}
    assert set(of("", "").values()) == {0.0}


def test_a_report_has_intervals_a_baseline_rivals_and_losses() -> None:
    references, candidates = [REFERENCE] * 20, [CLOSE] * 10 + [REFERENCE] * 10
    report = rouge_report(references, candidates, [FAR] * 20, rivals={"copy": references})
    assert report.n == len(report.losses) == 20
    assert set(report.metrics) == set(METRICS)
    for name, figure in report.metrics.items():
        close = of(REFERENCE, CLOSE)[name]
        assert figure.value == pytest.approx((close + 1) / 2)
        assert close <= figure.low < figure.value < figure.high <= 1
    assert report.baseline == dict.fromkeys(METRICS, 0.0)
    assert report.baseline_name == "lead-3"
    assert report.reference["copy"] == dict.fromkeys(METRICS, 1.0)
    assert report.losses[-1] == 0.0
    assert report.losses[0] == pytest.approx(1 - np.mean(list(of(REFERENCE, CLOSE).values())))


def test_the_gate_tells_a_worse_summary_by_the_losses() -> None:
    references = [f"{REFERENCE} It is row {n}." for n in range(30)]
    good = rouge_report(references, references, references).losses
    bad = rouge_report(references, [CLOSE] * 30, references).losses
    assert not not_worse(bad, good).not_worse
    assert not_worse(good, bad).not_worse


def test_near_duplicates_are_drawn_together() -> None:
    references, candidates = [REFERENCE] * 20, [CLOSE] * 10 + [REFERENCE] * 10
    rows = rouge_report(references, candidates, references)
    groups = rouge_report(references, candidates, references, groups=[0] * 10 + [1] * 10)
    assert groups.metrics["rouge1_f"].low < rows.metrics["rouge1_f"].low


@pytest.mark.parametrize("sizes", [(0, 0, 0), (2, 1, 2), (2, 2, 1)])
def test_rows_that_do_not_fit_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="each reference"):
        rouge_report(*(["a b"] * size for size in sizes))
