"""Figures are those of scikit-learn, their intervals cover the truth, and the gate tells worse from as good."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from shared.quality import (
    binary_report,
    binary_resampled,
    bootstrap,
    calibration_error,
    classes_report,
    interval,
    majority,
    not_worse,
    reliability,
)

rows = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])), min_size=4, max_size=40
).filter(lambda found: len({yes for yes, _ in found}) == 2)


@given(rows, st.integers(0, 1000))
@settings(deadline=None)
def test_resampled_figures_are_those_of_scikit_learn_with_weights(
    found: list[tuple[bool, float]], seed: int
) -> None:
    yes, p = np.array([yes for yes, _ in found]), np.array([p for _, p in found])
    said = p >= 0.5
    weights = np.random.default_rng(seed).integers(1, 4, (3, len(yes))).astype(float)
    ours = binary_resampled(yes, p, said, weights)
    for at, weight in enumerate(weights):
        theirs = {
            "accuracy": metrics.accuracy_score(yes, said, sample_weight=weight),
            "precision": metrics.precision_score(yes, said, sample_weight=weight, zero_division=0),
            "recall": metrics.recall_score(yes, said, sample_weight=weight),
            "f1": metrics.f1_score(yes, said, sample_weight=weight, zero_division=0),
            "roc_auc": metrics.roc_auc_score(yes, p, sample_weight=weight),
            "average_precision": metrics.average_precision_score(yes, p, sample_weight=weight),
        }
        assert {name: values[at] for name, values in ours.items()} == pytest.approx(theirs)


@given(rows)
@settings(deadline=None, max_examples=20)
def test_a_report_agrees_with_itself(found: list[tuple[bool, float]]) -> None:
    yes, p = [yes for yes, _ in found], [p for _, p in found]
    report = binary_report(yes, p, 0.5, labels=("no", "yes"))
    (quiet, alarms), (misses, hits) = report.confusion
    assert report.n == quiet + alarms + misses + hits == len(yes)
    assert report.metrics["accuracy"].value == pytest.approx((quiet + hits) / report.n)
    assert sum(count for _, _, count in report.reliability) == report.n
    assert all(found.low <= found.value <= found.high for found in [report.metrics["accuracy"]])
    assert report == binary_report(yes, p, 0.5, labels=("no", "yes"))


def test_losses_are_log_losses_in_the_order_of_the_rows_and_bounded() -> None:
    losses = binary_report([True, False, True], [0.5, 0.25, 0.0], 0.5, labels=("no", "yes")).losses
    assert losses == pytest.approx([math.log(2), -math.log(0.75), -math.log(1e-6)])


def test_intervals_hold_the_true_accuracy_about_nineteen_times_in_twenty() -> None:
    random = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        right = (random.random(150) < 0.8).astype(float)
        means = bootstrap(150, lambda weights, right=right: {"mean": weights @ right / 150})["mean"]
        found = interval(float(right.mean()), means)
        held += found.low <= 0.8 <= found.high
    assert 0.89 <= held / 200 <= 0.99


def test_ten_copies_of_each_row_do_not_make_a_figure_surer_when_groups_are_resampled() -> None:
    random = np.random.default_rng(2)
    yes, p = random.random(60) < 0.4, random.random(60)
    once = binary_report(yes.tolist(), p.tolist(), 0.5, labels=("no", "yes"))
    copies = {"truth": np.repeat(yes, 10).tolist(), "probability": np.repeat(p, 10).tolist()}
    groups = np.repeat(np.arange(60), 10).tolist()
    grouped = binary_report(**copies, threshold=0.5, labels=("no", "yes"), groups=groups)
    naive = binary_report(**copies, threshold=0.5, labels=("no", "yes"))

    def breadth(name: str, report: object = grouped) -> float:
        found = report.metrics[name]  # type: ignore[attr-defined]
        return float(found.high - found.low)

    assert breadth("accuracy") == pytest.approx(breadth("accuracy", once), rel=0.15)
    assert breadth("accuracy", naive) < breadth("accuracy") / 2
    assert grouped.details["resampled"] == "groups of rows"


def test_many_rows_are_resampled_in_pieces_that_make_no_difference_to_the_spread() -> None:
    values = np.random.default_rng(1).random(30_000)
    means = bootstrap(len(values), lambda weights: {"mean": weights @ values / len(values)})["mean"]
    assert len(means) == 1000
    assert means.std() == pytest.approx(values.std() / math.sqrt(len(values)), rel=0.1)


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_the_baseline_has_the_figures_of_the_commoner_label(share: float) -> None:
    yes = np.arange(100) < share * 100
    always = np.full(100, share >= 0.5)
    found = majority(share)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(yes, always))
    assert found["precision"] == pytest.approx(metrics.precision_score(yes, always, zero_division=0))
    assert found["recall"] == pytest.approx(metrics.recall_score(yes, always))
    assert found["f1"] == pytest.approx(metrics.f1_score(yes, always))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(yes, always))
    assert found["roc_auc"] == 0.5


def test_where_only_one_label_is_there_the_area_under_the_curve_is_no_number() -> None:
    report = binary_report([False] * 5, [0.1, 0.2, 0.6, 0.3, 0.4], 0.5, labels=("no", "yes"))
    assert math.isnan(report.metrics["roc_auc"].value)
    assert report.metrics["accuracy"].value == 0.8


def test_no_rows_and_rows_without_probability_are_refused() -> None:
    for truth, probability in (([], []), ([True, False], [0.5])):
        with pytest.raises(ValueError, match="probability"):
            binary_report(truth, probability, 0.5, labels=("no", "yes"))


def test_honest_probabilities_have_no_calibration_error_and_boasts_have_theirs() -> None:
    yes = np.arange(100) % 4 == 0
    assert calibration_error(yes, np.full(100, 0.25)) == pytest.approx(0.0)
    assert calibration_error(yes, np.full(100, 0.95)) == pytest.approx(0.7)
    assert reliability(yes, np.full(100, 1.0)) == [(1.0, 0.25, 100)]


def test_a_challenger_that_answers_the_same_is_not_worse() -> None:
    losses = np.random.default_rng(3).random(200).tolist()
    found = not_worse(losses, losses)
    assert (found.difference, found.low, found.high, found.not_worse) == (0.0, 0.0, 0.0, True)


def test_the_gate_keeps_out_the_worse_and_lets_in_the_better_and_the_undecided() -> None:
    random = np.random.default_rng(4)
    champion = random.random(300)
    noise = random.normal(0, 0.1, 300)
    noise -= noise.mean()
    assert not not_worse((champion + 0.1 + noise).tolist(), champion.tolist()).not_worse
    assert not_worse((champion - 0.1 + noise).tolist(), champion.tolist()).not_worse
    undecided = not_worse((champion + noise).tolist(), champion.tolist())
    assert undecided.low < 0 < undecided.high
    assert undecided.not_worse


def test_versions_judged_on_different_rows_are_not_compared() -> None:
    for challenger, champion in (([1.0], [1.0, 2.0]), ([], [])):
        with pytest.raises(ValueError, match="same rows"):
            not_worse(challenger, champion)


def test_many_classes_are_judged_as_scikit_learn_judges_them() -> None:
    from sklearn.metrics import accuracy_score, f1_score, top_k_accuracy_score

    random = np.random.default_rng(3)
    truth = random.integers(0, 8, 400)
    probability = random.dirichlet(np.ones(8), 400)
    probability[np.arange(400), truth] += 0.1
    probability /= probability.sum(1, keepdims=True)
    report = classes_report(truth.tolist(), probability, [f"class {n}" for n in range(8)])
    said = probability.argmax(1)
    for name, expected in (
        ("accuracy", accuracy_score(truth, said)),
        ("macro_f1", f1_score(truth, said, average="macro")),
        ("top5", top_k_accuracy_score(truth, probability, k=5)),
    ):
        found = report.metrics[name]
        assert found.value == pytest.approx(expected)
        assert found.low <= found.value <= found.high
    common = int(np.bincount(truth).argmax())
    assert report.baseline_name == f"always class {common}"
    assert report.baseline["accuracy"] == pytest.approx((truth == common).mean())
    assert report.baseline["macro_f1"] == pytest.approx(
        f1_score(truth, np.full(400, common), average="macro", zero_division=0)
    )
    assert np.sum(report.confusion) == 400
    assert np.trace(report.confusion) == pytest.approx(400 * report.metrics["accuracy"].value)


def test_five_classes_or_fewer_have_no_top_five_and_a_stray_truth_is_an_error() -> None:
    probability = np.full((6, 3), 1 / 3)
    assert "top5" not in classes_report([0, 1, 2, 0, 1, 2], probability, ["a", "b", "c"]).metrics
    with pytest.raises(ValueError, match="no class"):
        classes_report([0, 1, 2, 0, 1, 3], probability, ["a", "b", "c"])
