"""The default that ships: linear experts for short posts and for articles, mixed by what a text is.

Posts and articles differ in nearly every habit, so each kind has its own expert; a text between the two asks both. For
posts there are two: one that sees the links and handles, and one that learned from the same posts without them, so that
a post from which they were taken out is not judged by their absence. Imported by the worker and the trainer only.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from plugins.fact.cleaning import LINK, Cleaned, clean
from plugins.fact.features import Kind, article_share, form, opening, vocabulary
from plugins.fact.linear import Floats, Linear, Scored
from plugins.fact.novelty import Novelty
from plugins.fact.reading import Likeness, Reading, Weight
from shared.errors import ModelUnavailable
from shared.model import Device

FORMAT: Final = 1
EXPERTS: Final[Mapping[str, tuple[Kind, bool]]] = {
    "post with links": ("post", True),
    "post": ("post", False),
    "article": ("article", False),
}
"""Each expert's kind of text, and whether it sees links and handles."""
UNMARKED: Final = 0.25
"""What the expert that sees links has to say on a post without any; chosen by cross-validation."""
NEARLY: Final = 0.1
"""Below this share an expert is not asked."""
Encode = Callable[[Sequence[str]], Floats]
"""Makes sentence vectors, texts × 512, each of norm 1."""


@dataclass(frozen=True)
class Mixture:
    """The experts, and for each kind what it sounds like, and between which log-odds nothing is said of it.

    `encode` serves the experts that look at sentence vectors.
    """

    experts: Mapping[str, Linear]
    novelties: Mapping[str, Novelty]
    grey: Mapping[str, tuple[float, float]]
    encode: Encode | None = None

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Read each text; linear in the length of all."""
        cleaned = [clean(text) for text in texts]
        shares = [self.shares(each) for each in cleaned]
        scored: list[dict[str, Scored]] = [{} for _ in texts]
        for name, expert in self.experts.items():
            asked = [at for at, each in enumerate(shares) if each.get(name, 0.0) > 0]
            if asked:
                forms = [form(cleaned[at], EXPERTS[name][1]) for at in asked]
                vectors = None
                if expert.opening is not None and self.encode is not None:
                    vectors = self.encode([opening(each) for each in forms])
                found = expert.score(forms, vectors)
                for at, each in zip(asked, found, strict=True):
                    scored[at][name] = each
        return [self._reading(*each) for each in zip(texts, cleaned, shares, scored, strict=True)]

    def shares(self, cleaned: Cleaned) -> dict[str, float]:
        """Return what each expert has to say on a text; adds up to 1."""
        article = article_share(cleaned.text)
        linked = 1.0 if cleaned.marked else UNMARKED
        wanted = {
            "post with links": (1 - article) * linked,
            "post": (1 - article) * (1 - linked),
            "article": article,
        }
        # Where there is no expert for a kind, the other answers.
        wanted = {name: share for name, share in wanted.items() if name in self.experts and share > NEARLY}
        if not wanted:
            wanted = {"post": 1.0} if "post" in self.experts else {"article": 1.0}
        whole = sum(wanted.values())
        return {name: share / whole for name, share in wanted.items()}

    def kind(self, cleaned: Cleaned) -> Kind:
        """Return the kind that a text is taken for."""
        kind: Kind = "article" if article_share(cleaned.text) >= 0.5 else "post"
        return kind

    def _reading(
        self, text: str, cleaned: Cleaned, shares: Mapping[str, float], scored: Mapping[str, Scored]
    ) -> Reading:
        log_odds = sum(share * scored[name].log_odds for name, share in shares.items())
        weights: dict[int, Weight] = {}
        for name, share in shares.items():
            each = scored[name]
            for word, weight in zip(each.words, each.weights.tolist(), strict=True):
                end = _end_of_link(text, word.start) if LINK in word.text else word.end
                before = weights.get(word.start, Weight(word.start, 0, 0.0))
                weights[word.start] = Weight(word.start, max(end, before.end), before.weight + share * weight)
        kind = self.kind(cleaned)
        return Reading(
            log_odds=log_odds,
            weights=[weights[start] for start in sorted(weights)],
            grey=self.grey.get(kind) or next(iter(self.grey.values())),
            kind=kind,
            likeness=self._likeness(kind, cleaned),
        )

    def _likeness(self, kind: Kind, cleaned: Cleaned) -> Likeness:
        novelty = self.novelties.get(kind)
        if novelty is None:
            # It has seen no text of this kind.
            return Likeness(0.0, 0.0, unlike=True)
        score, known = novelty.score(vocabulary(form(cleaned, marked=False)))
        return Likeness(novelty.familiarity(score), known, unlike=novelty.unlike(score, known))

    def write(self, folder: Path) -> None:
        """Write the parameters: numbers as safetensors, words as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"{name}.ratio": each.ratio.astype(np.float16) for name, each in self.novelties.items()}
        for name, expert in self.experts.items():
            tensors |= expert.numbers(name)
        document = {
            "format": FORMAT,
            "experts": {name: expert.document() for name, expert in self.experts.items()},
            "novelties": {name: each.document() for name, each in self.novelties.items()},
            "grey": {name: list(zone) for name, zone in self.grey.items()},
        }
        (folder / "weights.safetensors").write_bytes(save(tensors))
        words = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (folder / "model.json").write_text(words, encoding="utf-8")

    @classmethod
    def read_folder(cls, folder: Path, device: Device) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else."""
        try:
            document: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            tensors = load((folder / "weights.safetensors").read_bytes())
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']}")
            experts = {
                name: Linear.of(each, tensors, name)
                for name, each in document["experts"].items()
                if name in EXPERTS
            }
            novelties = {
                name: Novelty.of(each, tensors[f"{name}.ratio"])
                for name, each in document["novelties"].items()
            }
            grey = {name: (float(low), float(high)) for name, (low, high) in document["grey"].items()}
            if not experts.keys() & {"post", "article"} or not grey:
                raise ValueError("no expert")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise ModelUnavailable(
                "The weights of fact cannot be read: {reason}", reason=repr(error)[:300]
            ) from error
        looking = any(expert.opening is not None for expert in experts.values())
        return cls(experts, novelties, grey, encoder(device) if looking else None)


def encoder(device: Device) -> Encode:
    """Return what makes sentence vectors: the packaged encoder."""
    from shared.encoder import SentenceEncoder

    loaded = SentenceEncoder.load(device)
    return lambda texts: loaded.encode(texts).astype(np.float64)


def _end_of_link(text: str, start: int) -> int:
    """Return where the run of characters ends that begins with a link."""
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    return end
