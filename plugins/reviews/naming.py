"""Names of topics that stay: topics found now are matched with those of the same place that were found before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from plugins.reviews.answer import topic_name
from plugins.reviews.model import Clustering
from plugins.reviews.places import Known

SAME_REVIEWS: Final = 0.3
"""From which share on of the reviews of either that are in both, topics are the same."""
SAME_WORDS: Final = 0.35
"""The same of their words, where too few of the reviews were there before."""
FEW: Final = 5


def matched(
    topics: Sequence[int],
    before: Sequence[int | None],
    words: Mapping[int, Sequence[str]],
    known: Sequence[Known],
) -> dict[int, int]:
    """Return which known topic (its number) each topic is, most alike first, each known one once at most.

    `topics` and `before` hold what each review is of now (-1: nothing) and was of (None: nothing, or not there).
    """
    old = Counter(number for number in before if number is not None)
    now = Counter(
        topic for topic, number in zip(topics, before, strict=True) if topic >= 0 and number is not None
    )
    both = Counter(
        (topic, number)
        for topic, number in zip(topics, before, strict=True)
        if topic >= 0 and number is not None
    )
    scored = []
    for topic in words:
        for each in known:
            shared = both[topic, each.number]
            reviews = shared / max(1, now[topic] + old[each.number] - shared)
            alike = _alike(words[topic], each.words)
            few = min(now[topic], old[each.number]) < FEW
            if reviews >= SAME_REVIEWS or (few and alike >= SAME_WORDS):
                scored.append((reviews + 0.5 * alike, -topic, -each.number))
    found: dict[int, int] = {}
    for _, topic, number in sorted(scored, reverse=True):
        if -topic not in found and -number not in found.values():
            found[-topic] = -number
    return found


def named(
    clustering: Clustering, before: Sequence[int | None], known: Sequence[Known]
) -> tuple[list[Known], list[str]]:
    """Return the topics with their lasting numbers, and their names, in the order of the topics."""
    words = {topic.id: topic.words for topic in clustering.topics}
    same = matched(clustering.topic, before, words, known)
    name_of = {each.number: each.name for each in known}
    following = max((each.number for each in known), default=0) + 1
    found: list[Known] = []
    for topic in clustering.topics:
        number = same.get(topic.id)
        if number is None:
            number, following = following, following + 1
            name = topic_name(topic)
        else:
            name = name_of[number]
        found.append(Known(number, name, topic.words))
    return found, [each.name for each in found]


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    first, second = set(one), set(other)
    return len(first & second) / max(1, len(first | second))
