"""What counts of people's feedback: agreement, bounded weight, distrust; and nothing like what the gate judges on."""

import csv
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import BadInput
from shared.learning import Vote, Weighed
from shared.learning_file import Made, Order, write
from shared.learning_rules import BASE_SHARE, FEW, weigh
from shared.splits import group_near_duplicates, holdout

STARTERS = sorted((Path(__file__).parents[2] / "plugins").glob("*/starter.csv"))
# fmt: off
WORDS = (
    "river", "candle", "marble", "window", "pepper", "engine", "violin", "meadow", "copper", "lantern", "saddle",
    "thunder", "basket", "harbour", "velvet", "quarry", "pigeon", "almond", "ribbon", "furnace", "glacier", "compass",
    "orchard", "bicycle", "walnut", "cathedral", "trumpet", "blanket", "cinnamon", "sparrow",
)
# fmt: on
LABELS = ("ham", "spam")


def sentence(seed: int) -> str:
    """Return a text like no other."""
    return " ".join(random.Random(seed).sample(WORDS, 9))


def base_of(rows: int, start: int = 0) -> list[tuple[str, str]]:
    return [(sentence(row), LABELS[row % 2]) for row in range(start, start + rows)]


BASE = base_of(400)
TRUTH = {sentence(row): LABELS[row % 2] for row in range(1000, 1400)}
TEXTS = list(TRUTH)


def votes(*given: tuple[int, str, str]) -> list[Vote]:
    return [Vote(person, text, label, 1000 + at) for at, (person, text, label) in enumerate(given)]


def learned(weighed: Weighed) -> dict[str, str]:
    return {row.text: row.label for row in weighed.rows}


def test_a_text_counts_where_two_agree() -> None:
    a, b, c = TEXTS[:3]
    weighed = weigh(
        BASE, votes((1, a, "spam"), (2, a, "spam"), (1, b, "ham"), (1, c, "ham"), (2, c, "spam")), LABELS
    )
    assert learned(weighed) == {a: "spam"}
    assert (weighed.people, weighed.left_out.alone, weighed.left_out.disputed) == (2, 1, 1)


def test_one_troll_does_not_silence_three_who_agree() -> None:
    said = votes(*((person, TEXTS[0], "spam") for person in (1, 2, 3)), (9, TEXTS[0], "ham"))
    assert learned(weigh(BASE, said, LABELS)) == {TEXTS[0]: "spam"}
    assert not weigh(BASE, said[1:], LABELS).rows


def test_one_person_has_one_voice_on_a_text_and_what_is_nearly_it() -> None:
    text = TEXTS[0]
    again = votes((1, text, "spam"), (1, text + " !!", "spam"), (1, text.upper(), "spam"))
    weighed = weigh(BASE, again, LABELS)
    assert not weighed.rows
    assert (weighed.left_out.repeated, weighed.left_out.alone) == (2, 1)
    # The later word is the one that counts.
    changed = votes((1, text, "spam"), (2, text, "spam"), (2, text + "!", "ham"))
    assert weigh(BASE, changed, LABELS).left_out.disputed == 1


def test_what_the_model_does_not_learn_is_no_vote() -> None:
    weighed = weigh(BASE, votes((1, TEXTS[0], "mixed"), (2, TEXTS[0], "mixed")), LABELS)
    assert not weighed.rows
    assert weighed.left_out.untaught == 2


def test_who_contradicts_trusted_labels_is_left_out_wholly() -> None:
    wrong = [(9, text, "ham" if label == "spam" else "spam") for text, label in BASE[:4]]
    said = votes(*wrong, (9, TEXTS[0], "spam"), (8, TEXTS[0], "spam"))
    weighed = weigh(BASE, said, LABELS)
    assert not weighed.rows
    assert weighed.people_left_out == 1
    assert weighed.left_out.distrusted == 5
    # Once is no more than a mistake.
    assert learned(weigh(BASE, votes(wrong[0], *((p, TEXTS[0], "spam") for p in (8, 9))), LABELS))


def test_who_contradicts_what_enough_others_agree_on_is_left_out() -> None:
    said = [(person, text, TRUTH[text]) for text in TEXTS[:3] for person in range(1, 6)]
    against = [(9, text, "ham" if TRUTH[text] == "spam" else "spam") for text in TEXTS[:3]]
    weighed = weigh(BASE, votes(*said, *against, (9, TEXTS[5], "ham"), (8, TEXTS[5], "ham")), LABELS)
    assert learned(weighed) == {text: TRUTH[text] for text in TEXTS[:3]}
    assert weighed.people_left_out == 1


def test_a_voice_counts_alone_once_it_is_proven() -> None:
    proof = [(1, text, label) for text, label in BASE[:3]]
    weighed = weigh(BASE, votes(*proof, (1, TEXTS[0], "spam"), (2, TEXTS[1], "spam")), LABELS)
    assert learned(weighed) == {TEXTS[0]: "spam"}
    assert weighed.left_out.known == 3


def test_accounts_cannot_prove_each_other() -> None:
    lies = [(person, text, "ham") for text in TEXTS[:20] for person in (1, 2, 3)]
    weighed = weigh(BASE, votes(*lies, (1, TEXTS[30], "ham")), LABELS)
    assert TEXTS[30] not in learned(weighed)


def test_a_flood_gets_no_more_than_one_person_may_give_and_cannot_raise_it() -> None:
    flood = votes(*((person, text, "ham") for text in TEXTS for person in (1, 2, 3)))
    weighed = weigh(base_of(2000, 9000), flood, LABELS)
    assert len(weighed.rows) == 3 * FEW
    # The newest are kept.
    assert set(learned(weighed)) == set(TEXTS[-3 * FEW :])
    alone = votes(*((1, text, label) for text, label in BASE[:3]), *((1, text, "ham") for text in TEXTS))
    assert len(weigh(BASE, alone, LABELS).rows) == FEW


def test_what_many_give_raises_what_each_may_and_stays_a_share_of_the_base() -> None:
    crowd = votes(
        *(
            (pair, text, TRUTH[text])
            for at, text in enumerate(TEXTS)
            for pair in (2 * (at % 40), 2 * (at % 40) + 1)
        )
    )
    many = weigh(base_of(2000, 9000), crowd, LABELS)
    assert len(many.rows) > 200
    busiest = Counter(vote.person for vote in crowd if vote.text in learned(many)).most_common(1)[0][1]
    # Each text is of two people.
    assert busiest / 2 <= max(FEW, 0.05 * len(many.rows))
    assert len(weigh(BASE[:100], crowd, LABELS).rows) <= BASE_SHARE * 100


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(990, 1030), st.booleans(), st.booleans()),
        max_size=60,
    ),
    st.randoms(),
)
def test_the_order_of_votes_does_not_matter_and_nothing_like_the_base_is_learned(
    given_votes: list[tuple[int, int, bool, bool]], chance: random.Random
) -> None:
    base = base_of(30, 980)
    said = [
        Vote(person, sentence(row) + ("!" if near else ""), LABELS[spam], at)
        for at, (person, row, spam, near) in enumerate(given_votes)
    ]
    weighed = weigh(base, said, LABELS)
    shuffled = list(said)
    chance.shuffle(shuffled)
    assert weigh(base, shuffled, LABELS) == weighed
    groups = group_near_duplicates([*(text for text, _ in base), *(row.text for row in weighed.rows)])
    assert not set(groups[: len(base)]) & set(groups[len(base) :])
    assert len(set(groups[len(base) :])) == len(weighed.rows)


def joined(folder: Path, base: Path, said: list[Vote]) -> tuple[Made, list[dict[str, str]]]:
    out = folder / "joined.csv"
    order = Order(base=str(base), votes=said, labels=list(LABELS), out=str(out))
    made = write(order, lambda _done, note="": None)
    with out.open(encoding="utf-8", newline="") as file:
        return made, list(csv.DictReader(file))


def base_file(path: Path, rows: list[tuple[str, str]], **more: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", *more])
        writer.writerows([*row, *more.values()] for row in rows)
    return path


@pytest.mark.parametrize("share", [0.05, 0.15, 0.4])
def test_what_the_base_held_out_stays_so_and_nothing_like_it_is_trained_on(
    tmp_path: Path, share: float
) -> None:
    near = [text + " again" for text, _ in BASE[:60]]
    bridges = [f"{BASE[row][0]} {sentence(5000 + row)}" for row in range(60, 90)]
    said = votes(
        *((person, text, "spam") for text in [*near, *bridges, *TEXTS[:80]] for person in range(1, 41, 2))
    )
    _, rows = joined(tmp_path, base_file(tmp_path / "base.csv", BASE), said)
    texts = [row["text"] for row in rows]
    assert [row["source"] for row in rows] == ["base"] * len(BASE) + ["feedback"] * (len(rows) - len(BASE))
    assert len(rows) > len(BASE)
    out = holdout(texts, share)
    assert out[: len(BASE)] == holdout([text for text, _ in BASE], share)
    groups = group_near_duplicates(texts)
    judged = {group for group, held in zip(groups[: len(BASE)], out, strict=False) if held}
    assert not judged & {group for group, held in zip(groups, out, strict=True) if not held}


def test_the_joined_file_keeps_the_columns_of_the_base_and_says_where_each_row_is_from(
    tmp_path: Path,
) -> None:
    base = base_file(tmp_path / "base.csv", BASE, publisher="a.example", source="a site")
    text = 'WIN a prize, "now"\n=1+1'
    made, rows = joined(tmp_path, base, votes((1, text, "spam"), (2, text, "spam")))
    assert (rows[0]["publisher"], rows[0]["source"], rows[0]["hearth_source"]) == (
        "a.example",
        "a site",
        "base",
    )
    assert (rows[-1]["text"], rows[-1]["label"], rows[-1]["hearth_source"]) == (text, "spam", "feedback")
    assert (made.rows, made.people, made.base.rows, made.data.rows) == (1, 2, len(BASE), len(BASE) + 1)
    again, _ = joined(tmp_path, base, votes((1, text, "spam"), (2, text, "spam")))
    assert again.data.sha256 == made.data.sha256


def test_a_base_without_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base.csv").write_text("text\nhello\n")
    with pytest.raises(BadInput, match="no column label"):
        joined(tmp_path, tmp_path / "base.csv", [])


@pytest.mark.parametrize("path", STARTERS, ids=lambda path: str(path.parent.name))
def test_a_starter_set_is_whole_and_has_no_near_duplicates(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    assert len(set(group_near_duplicates(texts))) == len(texts) >= 170
    counts = Counter(row["label"] for row in rows)
    assert len(counts) == 2
    assert min(counts.values()) > 0.4 * len(rows)
    # Openings differ: these are written one by one, not from templates.
    openings = Counter(" ".join(text.split()[:3]).lower() for text in texts if " " in text)
    assert openings.most_common(1)[0][1] <= 4
