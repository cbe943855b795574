"""Which feedback counts. Some of it is expected to be wrong on purpose: one person's, a few accounts', a flood's.

A text counts where people agree on it. A person's weight is bounded, and who contradicts trusted labels too often
counts for nothing. These rules keep bad feedback rare and its weight small; that no worse model answers is for the gate
to see to, which judges on rows that people of the chat have no part in.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from shared.learning import Learned, LeftOut, Vote, Weighed
from shared.splits import group_near_duplicates

AGREE: Final = 2
"""People who must agree on a text."""
AGREED_SHARE: Final = 0.75
"""Share of all people with a word on a text who must agree: one against two is a dispute, one against three is not."""
WITNESSES: Final = 4
"""Other people who must agree before one is measured by them: more than the few accounts that one may have."""
DISTRUST: Final = 1 / 3
"""From which share of contradictions on a person is left out wholly; two at least, anybody errs once."""
PROVEN: Final = 3
"""Confirmed words after which one voice alone counts, if hardly any was contradicted."""
PROVEN_WRONG: Final = 0.2
FEW: Final = 5
PERSON_SHARE: Final = 0.05
"""A person gives at most `FEW` rows of one training, or this share of them where that is more, a row that several
agree on counting in parts."""
BASE_SHARE: Final = 0.25
"""Rows of feedback, at most, by rows of the base."""


@dataclass
class Record:
    """How often a person's words could be checked, and how often they were contradicted."""

    checked: int = 0
    wrong: int = 0

    @property
    def distrusted(self) -> bool:
        """Tell whether nothing that the person says counts."""
        return self.wrong >= 2 and self.wrong > DISTRUST * self.checked

    @property
    def proven(self) -> bool:
        """Tell whether the person's voice counts alone."""
        return self.checked >= PROVEN and self.wrong <= PROVEN_WRONG * self.checked


@dataclass(frozen=True)
class Candidate:
    """A text that people agree on, and who they are."""

    learned: Learned
    people: tuple[int, ...]
    alone: bool


def weigh(base: Sequence[tuple[str, str]], votes: Sequence[Vote], labels: Collection[str]) -> Weighed:
    """Choose what is learned of `votes`, beside the rows (text, label) of `base`, which are trusted.

    What is chosen has no near-duplicate in the base, nor among itself: so whatever of the base was held out still is,
    in a file of both, and nothing like it is trained on. The same for the same votes, in whatever order they come.
    """
    ordered = sorted(votes, key=lambda vote: (vote.at_ms, vote.person, vote.text), reverse=True)
    taught = [vote for vote in ordered if vote.label in labels]
    groups = group_near_duplicates([*(text for text, _ in base), *(vote.text for vote in taught)])
    known: dict[int, set[str]] = defaultdict(set)
    for group, (_, label) in zip(groups, base, strict=False):
        known[group].add(label)
    words: dict[int, dict[int, Vote]] = defaultdict(dict)
    for group, vote in zip(groups[len(base) :], taught, strict=True):
        # The newest comes first.
        words[group].setdefault(vote.person, vote)
    records = _records(words, known)
    out = {person for person, record in records.items() if record.distrusted}
    kept = {g: {p: v for p, v in said.items() if p not in out} for g, said in words.items()}
    counts: Counter[str] = Counter()
    candidates = _candidates(kept, known, records, counts)
    limit = int(BASE_SHARE * len(base))
    chosen = _bounded(candidates, limit)
    once = sum(map(len, words.values()))
    return Weighed(
        rows=[each.learned for each in chosen],
        times_ms=[each.learned.at_ms for each in candidates],
        people=len({person for each in chosen for person in each.people}),
        people_left_out=len(out),
        left_out=LeftOut(
            repeated=len(taught) - once,
            untaught=len(ordered) - len(taught),
            distrusted=once - sum(map(len, kept.values())),
            known=counts["known"],
            disputed=counts["disputed"],
            alone=counts["alone"],
            bounded=len(candidates) - len(chosen),
        ),
    )


def _records(
    words: Mapping[int, Mapping[int, Vote]], known: Mapping[int, Collection[str]]
) -> dict[int, Record]:
    """Measure each person by the base where it has the text, else by what enough others agree on."""
    records: dict[int, Record] = defaultdict(Record)
    for group, said in words.items():
        everybody = Counter(vote.label for vote in said.values())
        for person, vote in said.items():
            if group in known:
                truth = next(iter(known[group])) if len(known[group]) == 1 else None
            else:
                truth = _agreed(everybody - Counter([vote.label]), WITNESSES)
            if truth is not None:
                records[person].checked += 1
                records[person].wrong += vote.label != truth
    return records


def _agreed(said: Counter[str], fewest: int) -> str | None:
    """Return the label that so many people agree on, if they do."""
    if not said:
        return None
    (label, count), *_ = said.most_common(1)
    return label if count >= fewest and count >= AGREED_SHARE * said.total() else None


def _candidates(
    words: Mapping[int, Mapping[int, Vote]],
    known: Mapping[int, Collection[str]],
    records: Mapping[int, Record],
    counts: Counter[str],
) -> list[Candidate]:
    """Return the texts that count, the newest first; why others do not is added to `counts`."""
    found = []
    for group, said in words.items():
        if not said:
            continue
        if group in known:
            counts["known"] += 1
            continue
        label = _agreed(Counter(vote.label for vote in said.values()), AGREE)
        alone = label is None and len(said) == 1
        if alone:
            ((person, only),) = said.items()
            label = only.label if person in records and records[person].proven else None
        if label is None:
            counts["alone" if alone else "disputed"] += 1
            continue
        agreeing = [vote for vote in said.values() if vote.label == label]
        newest = max(agreeing, key=lambda vote: (vote.at_ms, vote.person, vote.text))
        people = tuple(sorted(vote.person for vote in agreeing))
        found.append(Candidate(Learned(newest.text, label, len(people), newest.at_ms), people, alone))
    return sorted(found, key=lambda each: (each.learned.at_ms, each.learned.text), reverse=True)


def _bounded(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    """Choose the newest, within the bound of each person and of all together."""
    each = FEW
    while True:
        # From below: a flood cannot raise its own bound, only what others give raises it.
        chosen = _within(candidates, each, limit)
        if (more := int(PERSON_SHARE * len(chosen))) <= each:
            return chosen
        each = more


def _within(candidates: Sequence[Candidate], each: int, limit: int) -> list[Candidate]:
    given: dict[int, Fraction] = defaultdict(Fraction)
    chosen: list[Candidate] = []
    for candidate in candidates:
        if len(chosen) == limit:
            break
        # A row is given by all who agree on it, in equal parts; who has given enough does not count.
        free = [person for person in candidate.people if given[person] < each]
        if len(free) >= (1 if candidate.alone else AGREE):
            chosen.append(candidate)
            for person in free:
                given[person] += Fraction(1, len(free))
    return chosen
