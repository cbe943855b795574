"""What another user of the machine may have put into the common folder for temporary files is not read."""

import marshal
import tempfile
from pathlib import Path

import jieba
import pytest

from plugins.reviews.terms import WordCutter

SAID = "老闆服務態度"


def test_a_dictionary_that_somebody_planted_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "jieba.cache"
    planted.write_bytes(marshal.dumps(({SAID: 10**9, **{SAID[:n]: 0 for n in range(1, len(SAID))}}, 10**9)))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # As the library itself does it, the plant works.
    assert jieba.Tokenizer().lcut(SAID) == [SAID]
    assert [word for word, _, _ in WordCutter().cut(SAID)][-1] == "服務態度"
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
