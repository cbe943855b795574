"""What was embedded once is kept by its content: bounded, safe with two processes, and never trusted."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from plugins.reviews import vectors as vectors_module
from plugins.reviews.cache_age import ASIDE, BEGUN, DAY_SECONDS, FILE, clear, sweep
from plugins.reviews.embedding_cache import EmbeddingCache, content_key
from plugins.reviews.vectors import embed

TEXTS = ["房间很好", "苹果很甜", "the film was great"]


def silent(done: float, note: str = "") -> None:
    """Tell nobody."""


def numbered(first: int, count: int) -> dict[bytes, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    return {content_key(str(n), "test"): np.full(4, n, dtype=np.float32) for n in range(first, first + count)}


def test_kept_vectors_are_those_that_were_made(tmp_path: Path) -> None:
    made = embed(TEXTS, tmp_path, silent)
    assert np.array_equal(embed(TEXTS, tmp_path, silent), made)
    assert np.array_equal(embed(TEXTS, None, silent), made)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-3)


def test_what_is_kept_is_not_embedded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embed(TEXTS, tmp_path, silent)
    asked: list[str] = []
    encode = vectors_module._encode
    monkeypatch.setattr(
        vectors_module, "_encode", lambda texts, progress: asked.extend(texts) or encode(texts, progress)
    )
    embed([*TEXTS, "a new one"], tmp_path, silent)
    assert asked == ["a new one"]


def test_a_text_is_kept_apart_by_who_embedded_it() -> None:
    assert content_key("房间", "one") != content_key("房间", "other")
    assert content_key("房间", "one") == content_key("房间", "one")


@pytest.mark.parametrize("damage", [b"", b"nothing", b"\xff" * 1000])
def test_a_damaged_file_counts_as_empty_and_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    cache = EmbeddingCache(tmp_path, 4)
    cache.add(numbered(0, 3))
    whole = (tmp_path / FILE).read_bytes()
    for content in (damage, whole[: len(whole) // 2], whole[:-1]):
        (tmp_path / FILE).write_bytes(content)
        assert cache.find(list(numbered(0, 3))) == {}
        cache.add(numbered(0, 3))
        assert len(cache.find(list(numbered(0, 3)))) == 3


def test_a_file_of_vectors_of_another_size_counts_as_empty(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, 4).add(numbered(0, 3))
    assert EmbeddingCache(tmp_path, 5).find(list(numbered(0, 3))) == {}


def test_beyond_the_bound_the_longest_unused_go(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, 4, rows=10)
    cache.add(numbered(0, 8))
    cache.add(numbered(8, 4))
    assert len(cache.find(list(numbered(0, 12)))) == 10
    assert len(cache.find(list(numbered(8, 4)))) == 4
    cache.add(numbered(100, 50))
    assert len(cache.find(list(numbered(100, 50)))) == 10


def older(path: Path, seconds: float) -> None:
    at = path.stat().st_mtime - seconds
    os.utime(path, (at, at))


def test_what_was_not_used_for_two_days_goes_and_what_was_stays(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, 4)
    cache.add(numbered(0, 4))
    sweep(tmp_path)
    assert len(cache.find(list(numbered(0, 4)))) == 4
    older(tmp_path / BEGUN, DAY_SECONDS)
    sweep(tmp_path)
    assert not (tmp_path / FILE).exists()
    assert len(cache.find(list(numbered(0, 4)))) == 4, "set aside, it is still read"
    cache.add(numbered(2, 2))
    older(tmp_path / ASIDE, DAY_SECONDS)
    sweep(tmp_path)
    assert set(cache.find(list(numbered(0, 4)))) == set(numbered(2, 2))
    clear(tmp_path)
    assert not cache.find(list(numbered(0, 4)))


def add_often(folder: str, first: int) -> None:
    cache = EmbeddingCache(Path(folder), 4)
    for step in range(10):
        cache.add(numbered(first + 5 * step, 5))


def test_two_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=add_often, args=(str(tmp_path), first)) for first in (0, 1000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    kept = EmbeddingCache(tmp_path, 4).find([*numbered(0, 50), *numbered(1000, 50)])
    assert len(kept) == 100
    assert all((vector == vector[0]).all() for vector in kept.values())
