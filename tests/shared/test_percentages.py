"""A percentage is written one way, 89%, in every language and in pictures."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted(ROOT.glob("shared/locale/*/LC_MESSAGES/*.po")) + sorted(
    ROOT.glob("plugins/*/locale/*/LC_MESSAGES/*.po")
)
OTHERWISE = re.compile(r"[\d}][ \u00a0\u202f]+%|％")


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_no_text_writes_a_percentage_otherwise(path: Path) -> None:
    with path.open("rb") as source:
        for message in read_po(source):
            said = [message.id, message.string]
            texts = [text for each in said for text in ([each] if isinstance(each, str) else each)]
            assert not [text for text in texts if OTHERWISE.search(text)]
