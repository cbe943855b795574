"""Metrics against scikit-learn, thresholds against trying all, and which columns of a table are read."""

import warnings

import msgspec
import numpy as np
import pytest
from sklearn import metrics as reference

from plugins.lesson.metrics_table import judged
from plugins.lesson.scores import CurveWords, Scored, ScoresRequest
from plugins.lesson.scores_measuring import best_threshold, f_beta, judge, many_classes, two_classes
from shared.errors import BadInput
from shared.inputs import Table
from shared.quality import bootstrap

WORDS = CurveWords(roc="{area}", pr="{area}", false_alarms="", recall="", precision="", chance="", chosen="")


@pytest.mark.parametrize("seed", range(4))
def test_figures_of_two_classes_are_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.random(97) < 0.3
    said = truth ^ (random.random(97) < 0.2 * seed)
    counts = reference.confusion_matrix(truth, said, labels=[False, True])
    found = {name: float(value[0]) for name, value in two_classes(counts[None], 1).items()}
    assert found == pytest.approx(
        {
            "accuracy": reference.accuracy_score(truth, said),
            "balanced_accuracy": reference.balanced_accuracy_score(truth, said),
            "precision": reference.precision_score(truth, said),
            "recall": reference.recall_score(truth, said),
            "f1": reference.f1_score(truth, said),
            "f2": reference.fbeta_score(truth, said, beta=2),
            "f0.5": reference.fbeta_score(truth, said, beta=0.5),
        }
    )


def test_f1_is_the_harmonic_mean_and_not_the_plain_one() -> None:
    tp, fp, fn = np.array([8]), np.array([2]), np.array([12])
    precision, recall = 0.8, 0.4
    found = float(f_beta(tp, fp, fn, 1)[0])
    assert found == pytest.approx(2 / (1 / precision + 1 / recall))
    assert found == pytest.approx(8 / 15)
    assert abs(found - (precision + recall) / 2) > 0.06


@pytest.mark.parametrize("seed", range(4))
def test_means_over_classes_are_scikit_learns_even_where_a_class_is_never_said(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, said = random.integers(0, 5, 60), random.integers(0, 4, 60)
    counts = reference.confusion_matrix(truth, said, labels=range(6))
    found = {name: float(value[0]) for name, value in many_classes(counts[None]).items()}
    for kind in ("macro", "micro", "weighted"):
        precision, recall, f1, _ = reference.precision_recall_fscore_support(
            truth, said, average=kind, zero_division=0
        )
        assert found[f"{kind}_precision"] == pytest.approx(precision)
        assert found[f"{kind}_recall"] == pytest.approx(recall)
        assert found[f"{kind}_f1"] == pytest.approx(f1)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(truth, said))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, said))


def test_areas_are_scikit_learns_and_lie_in_their_intervals() -> None:
    random = np.random.default_rng(3)
    truth = random.random(150) < 0.25
    score = (random.normal(size=150) + truth).round(1)
    request = ScoresRequest(
        counts=reference.confusion_matrix(truth, score >= 0.5).tolist(),
        positive=1,
        scored=Scored(positive=truth.tolist(), score=score.tolist(), words=WORDS),
    )
    curves = judge(request).curves
    assert curves is not None
    assert curves.roc_auc.value == pytest.approx(reference.roc_auc_score(truth, score))
    assert curves.average_precision.value == pytest.approx(reference.average_precision_score(truth, score))
    for area in (curves.roc_auc, curves.average_precision):
        assert area.low < area.value < area.high
    assert curves.png.startswith(b"\x89PNG")
    # In bytes: what is not defined is not a number, which is not even the same as itself.
    assert msgspec.msgpack.encode(judge(request)) == msgspec.msgpack.encode(judge(request))


@pytest.mark.parametrize("figure", ["accuracy", "f1", "f2", "f0.5"])
def test_no_threshold_is_better_than_the_best_one(figure: str) -> None:
    random = np.random.default_rng(5)
    truth = random.random(80) < 0.3
    score = (random.normal(size=80) + truth).round(1)
    best = best_threshold(truth, score, figure)
    tried = {
        at: float(two_classes(reference.confusion_matrix(truth, score >= at)[None], 1)[figure][0])
        for at in np.unique(score)
    }
    assert best.value == pytest.approx(max(tried.values()))
    assert tried[best.at] == pytest.approx(best.value)
    counts = reference.confusion_matrix(truth, score >= best.at)
    assert [[best.tn, best.fp], [best.fn, best.tp]] == counts.tolist()


def test_what_misses_cost_moves_the_threshold_down_and_what_false_alarms_cost_moves_it_up() -> None:
    random = np.random.default_rng(6)
    truth = random.random(400) < 0.2
    score = random.normal(size=400) + 1.5 * truth
    misses, equal, alarms = (best_threshold(truth, score, name) for name in ("f2", "f1", "f0.5"))
    assert misses.at < equal.at < alarms.at
    assert misses.fn < equal.fn < alarms.fn
    assert misses.fp > equal.fp > alarms.fp


def test_intervals_from_cells_are_those_from_rows() -> None:
    random = np.random.default_rng(1)
    truth = random.random(300) < 0.4
    said = truth ^ (random.random(300) < 0.2)
    counts = reference.confusion_matrix(truth, said).tolist()
    found = judge(ScoresRequest(counts=counts, positive=1)).figures["recall"]
    drawn = bootstrap(300, lambda weights: {"recall": weights @ (truth & said) / (weights @ truth)})["recall"]
    assert [found.low, found.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.012)


def test_the_baseline_answers_the_commonest_and_what_is_recommended_follows_costs_and_balance() -> None:
    lopsided = judge(ScoresRequest(counts=[[78, 2], [12, 8]], positive=1))
    assert lopsided.baseline["accuracy"] == pytest.approx(0.8)
    assert lopsided.baseline["f1"] == 0
    assert np.isnan(lopsided.baseline["precision"])
    assert lopsided.recommended == "f1"
    assert judge(ScoresRequest(counts=[[50, 2], [12, 36]], positive=1)).recommended == "accuracy"
    assert judge(ScoresRequest(counts=[[9, 1], [1, 9]], positive=1, costlier="misses")).recommended == "f2"
    alarms = judge(ScoresRequest(counts=[[9, 1], [1, 9]], positive=1, costlier="false alarms"))
    assert alarms.recommended == "f0.5"
    three = [[90, 0, 0], [5, 5, 0], [0, 5, 5]]
    assert judge(ScoresRequest(counts=three, positive=None)).recommended == "macro_f1"
    rare = judge(ScoresRequest(counts=three, positive=None, costlier="misses"))
    assert rare.recommended == "macro_recall"
    assert rare.baseline["macro_recall"] == pytest.approx(1 / 3)


def test_a_billion_rows_cost_no_more_than_ten() -> None:
    many = judge(ScoresRequest(counts=[[10**9, 10**9], [10**9, 10**9]], positive=1)).figures["accuracy"]
    assert many.value == 0.5
    assert 0 < many.high - many.low < 1e-4


def table(text: str) -> Table:
    """Read lines of words between commas."""
    lines = [tuple(line.split(",")) for line in text.split()]
    return Table(lines[0], tuple(lines[1:]), "t.csv")


def test_columns_are_found_by_their_names_and_labels_match_however_they_are_written() -> None:
    found = judged(table("id,pred,Probability,Truth 1,Yes,0.9,yes 2,no,20%,NO 3,yes,0.3,no 4,no,0.6,Yes"))
    assert found.labels == ("NO", "yes")
    assert found.counts == [[1, 1], [1, 1]]
    assert found.columns == ("Truth", "pred", "Probability")
    assert found.score == (0.9, 0.2, 0.3, 0.6)
    assert found.is_positive == (True, False, False, True)


def test_columns_are_taken_by_position_where_no_name_is_known_or_one_is_asked_for() -> None:
    text = "a,b,c 1,0,0 1.0,1,0 0,1,0"
    assert judged(table(text)).counts == [[0, 1], [1, 1]]
    assert judged(table(text), prediction="3").counts == [[1, 0], [2, 0]]
    assert judged(table(text), truth="b", prediction="a").counts == [[0, 1], [1, 1]]


def test_what_is_to_be_found_is_the_label_known_as_such_or_the_rarer_or_the_one_asked_for() -> None:
    text = "truth,prediction spam,ham spam,spam spam,spam ham,ham"
    assert judged(table(text)).labels == ("ham", "spam")
    assert judged(table(text.replace("spam", "eggs"))).labels == ("eggs", "ham")
    assert judged(table(text), positive="HAM").labels == ("spam", "ham")
    three = "truth,prediction,score a,a,1 b,c,2 c,c,3"
    assert judged(table(three)).labels == ("a", "b", "c")
    assert judged(table(three)).positive is None
    assert judged(table(three)).score_unused
    one = judged(table(three), positive="c")
    assert (one.labels, one.counts, one.score) == (("≠ c", "c"), [[1, 1], [0, 1]], (1, 2, 3))


def test_predictions_are_made_from_probabilities_where_there_are_none() -> None:
    found = judged(table("truth,score 1,0.5 0,0.4 1,0.1"))
    assert (found.counts, found.threshold) == ([[1, 0], [1, 1]], 0.5)


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("truth 1 0", {}, "best called truth and prediction"),
        ("truth,prediction 1, 0,0", {}, "row 1: column prediction is empty"),
        ("truth,prediction 1,1 1,0", {}, "All rows are truly 1"),
        ("truth,score 1,0.1 1,0.7", {}, "All rows are truly 1"),
        ("truth,prediction,score 1,1,x", {}, "x is not a number"),
        ("truth,prediction,score 1,1,nan", {}, "nan is not a number"),
        ("truth,score 1,3 0,-3", {}, "no probabilities from 0 to 1"),
        ("truth,score a,0.1 b,0.2 c,0.3", {}, "add a column called prediction"),
        ("truth,prediction 1,1 0,0", {"positive": "2"}, "No row has the label 2"),
        ("truth,prediction 1,1 0,0", {"truth": "wahr"}, "no column wahr"),
        ("truth,prediction 1,1 0,0", {"truth": "9"}, "no column 9"),
        (
            "truth,prediction 1,1 0,0",
            {"truth": "prediction", "prediction": "prediction"},
            "different columns",
        ),
        ("truth,prediction " + " ".join(f"1,{n / 100}" for n in range(30)), {}, "31 different labels"),
    ],
)
def test_tables_that_cannot_be_judged_are_refused_with_what_to_do(
    text: str, options: dict[str, str], reason: str
) -> None:
    with pytest.raises(BadInput, match=reason):
        judged(table(text), **options)
