"""Words that say little of what a sentence is about, English and Chinese, and the terms that are left without them."""

import re
from typing import Final

from shared.language import simplified

# fmt: off
_ENGLISH_WORDS: Final = """
a about above after again against ain all am an and any are aren as at be because been before being below between both
but by can couldn d did didn do does doesn doing don down during each few for from further had hadn has hasn have haven
having he her here hers herself him himself his how i if in into is isn it its itself just ll m ma me mightn more most
mustn my myself needn no nor not now o of off on once only or other our ours ourselves out over own re s same shan she
should shouldn so some such t than that the their theirs them themselves then there these they this those through to
too under until up ve very was wasn we were weren what when where which while who whom why will with won wouldn y you
your yours yourself yourselves
"""
_ENGLISH: Final = frozenset(_ENGLISH_WORDS.split())
# Simplified: texts are folded to it first.
_CHINESE: Final = frozenset(
    "的了和是在我你他她它们这那此其之不也都就而及与或但并把被从到对为以于上下中有没会能可要将已着过得地很还又再更最个些么吗呢吧啊呀嘛"
    "则即若如因所由向往给让使等各每某只才却虽然且等位名"
)
# fmt: on
_HAN_RANGE: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUN: Final = re.compile(rf"[{_HAN_RANGE}]+|[^\W\d_{_HAN_RANGE}]+")
_HAN: Final = re.compile(f"[{_HAN_RANGE}]")


def content(text: str) -> list[str]:
    """Return what a text is about: its words without digits and function words; of Chinese each pair of characters."""
    found: list[str] = []
    for run in _RUN.findall(simplified(text).lower()):
        if not _HAN.match(run):
            if run not in _ENGLISH:
                found.append(run)
        elif len(run) == 1:
            found += [run] if run not in _CHINESE else []
        else:
            found += [
                run[at : at + 2]
                for at in range(len(run) - 1)
                if run[at] not in _CHINESE and run[at + 1] not in _CHINESE
            ]
    return found
