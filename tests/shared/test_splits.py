"""Near-duplicates fall on one side, and what was once held out is never trained on later."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.splits import ALIKE, SHINGLE, group_near_duplicates, holdout, normalise

# fmt: off
NAMES = (
    "anna", "ben", "carla", "dora", "emil", "fritz", "gerda", "hugo", "ida", "jonas", "klara", "leo", "mona", "nils",
)
THINGS = (
    "bread", "milk", "the blue bicycle", "a box of tea", "two tickets", "the old radio", "some apples", "my keys",
    "the map", "a lamp", "your umbrella", "the green chair", "six eggs", "a letter",
)
PLACES = ("at the station", "by the river", "in the garden", "near the school", "at home", "under the bridge")
# fmt: on


def message(seed: int) -> str:
    """Return a message of its own; two of different seeds have little in common."""
    chance = random.Random(seed)
    parts = [chance.choice(NAMES), chance.choice(NAMES), *chance.sample(THINGS, 3), chance.choice(PLACES)]
    chance.shuffle(parts)
    return " ".join(parts)


def jaccard(one: str, other: str) -> float:
    a, b = (
        {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}
        for text in map(normalise, (one, other))
    )
    return len(a & b) / len(a | b)


def test_a_template_with_another_number_and_case_is_a_near_duplicate() -> None:
    texts = [
        "You have won 500 pounds! Call 0901 234 567 now to claim your prize",
        "you have WON 900 pounds!!! call 0944 765 432 now, to claim your prize.",
        "Shall we meet at the station at six? I bring the tickets for us",
    ]
    first, second, third = group_near_duplicates(texts)
    assert first == second != third


def test_a_chain_of_near_duplicates_is_one_group() -> None:
    words = [f"word{letter * 3}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    chain = [" ".join(words[start : start + 20]) for start in range(6)]
    assert jaccard(chain[0], chain[-1]) < ALIKE <= jaccard(chain[0], chain[1])
    assert len(set(group_near_duplicates(chain))) == 1


def test_messages_that_differ_are_groups_of_their_own() -> None:
    texts = [
        "where are you now",
        "call me when the train is in",
        "happy birthday dear",
        "ok",
        "the meeting is off",
    ]
    assert group_near_duplicates(texts) == [0, 1, 2, 3, 4]


@given(st.lists(st.integers(0, 400), min_size=2, max_size=40, unique=True), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_groups_and_sides_do_not_hang_on_the_order_of_the_rows(
    seeds: list[int], chance: random.Random
) -> None:
    texts = [message(seed) for seed in seeds]
    texts += [text + "!! 1" for text in texts[::3]]
    order = list(range(len(texts)))
    chance.shuffle(order)
    shuffled = [texts[at] for at in order]
    groups, moved = group_near_duplicates(texts), group_near_duplicates(shuffled)
    together = {(a, b) for a, b in combinations(range(len(texts)), 2) if groups[a] == groups[b]}
    back = {
        (min(order[a], order[b]), max(order[a], order[b]))
        for a, b in combinations(range(len(texts)), 2)
        if moved[a] == moved[b]
    }
    assert together == back
    assert dict(zip(order, holdout(shuffled, 0.4), strict=True)) == dict(enumerate(holdout(texts, 0.4)))


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=30, unique=True),
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(["", " today", "!! 77", " at the station"])),
        max_size=30,
    ),
)
@settings(deadline=None, max_examples=40)
def test_what_was_held_out_stays_held_out_as_the_data_grows(
    seeds: list[int], more: list[tuple[int, str]]
) -> None:
    texts = [message(seed) for seed in seeds]
    before = holdout(texts, 0.3)
    after = holdout(texts + [message(seed) + end for seed, end in more], 0.3)[: len(texts)]
    assert all(later for earlier, later in zip(before, after, strict=True) if earlier)


def test_no_near_duplicate_lies_on_the_other_side() -> None:
    chance = random.Random(9)
    texts = [message(seed) for seed in range(120)]
    for text in texts[:60]:
        words = text.split()
        words[chance.randrange(len(words))] = chance.choice(NAMES)
        texts.append(" ".join(words))
    sides = holdout(texts, 0.3)
    leaks = [
        (texts[a], texts[b])
        for a, b in combinations(range(len(texts)), 2)
        if sides[a] != sides[b] and jaccard(texts[a], texts[b]) >= ALIKE
    ]
    assert leaks == []


def test_about_the_asked_share_is_held_out() -> None:
    texts = [f"{message(seed)} {message(seed + 5000)} {seed}" for seed in range(1500)]
    share = sum(holdout(texts, 0.2)) / len(texts)
    assert share == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("text", ["", "😀😀", "\0", "٣٤ مرحبا", "\ud800", "a" * 5000, "你好"])
def test_any_text_has_a_side_and_a_group(text: str) -> None:
    assert holdout([text, "another one", text], 0.5)[0] == holdout([text], 0.5)[0]
    assert group_near_duplicates([text, "another one", text]) == [0, 1, 0]
