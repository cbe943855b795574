"""Faces get the name of the nearest person within the threshold, and none where that would be a guess."""

import json
from pathlib import Path

import numpy as np
import pytest

from plugins.rollcall.faces import Known
from plugins.rollcall.match import FILE, Rule, match
from plugins.rollcall.match_figures import Pairs, choose_threshold, crossed_thresholds, figures, roc
from shared.errors import BadInput, ModelUnavailable

RULE = Rule(threshold=0.5, margin=0.05)


def vector(*numbers: float) -> bytes:
    return np.array([*numbers, *[0.0] * (128 - len(numbers))], "<f4").tobytes()


def person(user_id: int, *vectors: bytes) -> Known:
    return Known(user_id, f"number {user_id}", list(vectors))


def test_the_nearest_vector_of_all_people_names_a_face() -> None:
    known = [person(1, vector(1.0), vector(0.1)), person(2, vector(0.0, 0.4))]
    (found,) = match([vector(0.0)], known, RULE)
    assert (found.verdict, found.person) == ("known", 0)
    assert found.distance == pytest.approx(0.1, abs=1e-6)
    assert found.margin == pytest.approx(0.3, abs=1e-6)


def test_a_face_beyond_the_threshold_stays_unknown() -> None:
    (found,) = match([vector(0.0)], [person(1, vector(0.51))], RULE)
    assert (found.verdict, found.person, found.near) == ("unknown", None, [])


def test_nobody_is_named_where_nobody_enrolled() -> None:
    (found,) = match([vector(0.0)], [], RULE)
    assert (found.verdict, found.distance, found.margin) == ("unknown", None, None)


def test_somebody_without_a_vector_is_never_named() -> None:
    assert match([vector(0.0)], [person(1)], RULE)[0].verdict == "unknown"


def test_two_people_with_one_face_are_a_conflict_and_not_a_pick() -> None:
    (found,) = match([vector(0.0)], [person(1, vector(0.1)), person(2, vector(0.1))], RULE)
    assert (found.verdict, found.person) == ("ambiguous", None)
    assert [at for at, _ in found.near] == [0, 1]


def test_a_second_person_just_over_the_threshold_makes_a_face_ambiguous_too() -> None:
    (found,) = match([vector(0.0)], [person(1, vector(0.49)), person(2, vector(0.0, 0.52))], RULE)
    assert (found.verdict, found.person) == ("ambiguous", None)


def test_one_person_is_in_a_picture_once() -> None:
    found = match([vector(0.3), vector(0.1), vector(0.2)], [person(1, vector(0.0))], RULE)
    assert [each.verdict for each in found] == ["taken", "known", "taken"]


def test_a_face_of_too_few_pixels_is_not_named() -> None:
    found = match([vector(0.0), vector(0.0)], [person(1, vector(0.0))], RULE, [False, True])
    assert [each.verdict for each in found] == ["small", "known"]


def test_no_face_gives_no_match() -> None:
    assert match([], [person(1, vector(0.0))], RULE) == []


@pytest.mark.parametrize("damaged", [b"", b"abc", vector(float("nan")), vector(float("inf"))])
def test_a_damaged_vector_is_refused(damaged: bytes) -> None:
    with pytest.raises(BadInput):
        match([vector(0.0)], [person(1, damaged)], RULE)


@pytest.mark.parametrize(
    "document",
    [
        {"format": 2, "threshold": 0.5, "margin": 0.05},
        {"format": 1, "threshold": 0, "margin": 0.05},
        {"format": 1, "threshold": float("nan"), "margin": 0.05},
        {"format": 1, "threshold": 0.5, "margin": -1},
        {"format": 1, "threshold": 0.5},
        [],
    ],
)
def test_a_nonsense_rule_is_not_loaded(tmp_path: Path, document: object) -> None:
    (tmp_path / FILE).write_text(json.dumps(document))
    with pytest.raises(ModelUnavailable):
        Rule.read(tmp_path)


def test_a_rule_is_read_as_it_was_written(tmp_path: Path) -> None:
    RULE.write(tmp_path / "new")
    assert Rule.read(tmp_path / "new") == RULE


def test_figures_of_a_hand_made_set_are_right() -> None:
    distance = np.array([0.1, 0.2, 0.4, 0.3, 0.6, 0.7])
    same = np.array([True, True, True, False, False, False])
    found = {name: value[0] for name, value in figures(distance, same, 0.35, np.ones((1, 6))).items()}
    assert found["verification_auc"] == pytest.approx(8 / 9)
    assert found["eer"] == pytest.approx(1 / 3)
    assert found["false_accept_rate"] == pytest.approx(1 / 3)
    assert found["false_reject_rate"] == pytest.approx(1 / 3)
    assert roc(distance, same)[-1] == (0.7, 1.0, 1.0)


def test_weights_count_pairs_as_often_as_they_were_drawn() -> None:
    distance, same = np.array([0.1, 0.3, 0.2, 0.6]), np.array([True, True, False, False])
    twice = figures(distance, same, 0.25, np.array([[1.0, 1.0, 2.0, 1.0]]))
    spelled = figures(np.append(distance, 0.2), np.append(same, False), 0.25, np.ones((1, 5)))
    for name, value in twice.items():
        assert value == pytest.approx(spelled[name]), name


def test_equal_distances_are_worth_a_half() -> None:
    same = np.array([True, False])
    found = figures(np.array([0.2, 0.2]), same, 0.5, np.ones((1, 2)))
    assert found["verification_auc"][0] == pytest.approx(0.5)
    assert found["eer"][0] == pytest.approx(0.5)


def test_the_threshold_keeps_a_distance_to_strangers() -> None:
    same = np.array([True] * 10 + [False] * 10)
    assert choose_threshold(np.array([0.3] * 10 + [0.55] * 10), same) == pytest.approx(0.47)
    assert choose_threshold(np.array([0.3] * 10 + [0.9] * 10), same) == 0.6
    assert choose_threshold(np.array([0.3] * 10 + [0.2] * 10), same) == 0.35


def test_a_pair_is_judged_by_a_threshold_chosen_without_its_people() -> None:
    people = np.array([0, 0, 1, 1, 2, 2])
    # Person 0 is near the others; those are far from each other.
    places = np.array([0.0, 0.01, 0.5, 0.51, -0.5, -0.51])[:, None]
    pairs = Pairs.of(places, people)
    found = crossed_thresholds(pairs, people, pairs, people)
    with_first = (pairs.first < 2) | (pairs.second < 2)
    assert set(found[with_first & pairs.same]) == {0.6}
    assert found[(pairs.first == 2) & (pairs.second == 3)][0] < 0.45
