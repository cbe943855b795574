"""The document of benchmarks keeps what was not measured anew, and every section that it names can be measured."""

import importlib
import re
from importlib.util import find_spec
from pathlib import Path

from benchmarks.__main__ import SECTIONS
from benchmarks.document import PATH, write


def test_a_section_measured_anew_replaces_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    write("first", "First", r"old: \1 and {braces}", path)
    write("second", "Second", "stays", path)
    before = path.read_text()
    write("first", "First", r"new: \1 and {braces}", path)
    after = path.read_text()
    assert after == before.replace("old:", "new:")
    assert after.index("## First") < after.index("## Second")


def test_every_section_can_be_measured() -> None:
    for name in SECTIONS:
        # An extra, which need not be installed.
        if name == "ray" and find_spec("ray") is None:
            continue
        assert callable(importlib.import_module(f"benchmarks.{name}").section)


def test_the_document_holds_no_section_that_is_gone() -> None:
    written = re.findall(r"<!-- (\w+): begin -->", PATH.read_text(encoding="utf-8"))
    assert written
    assert set(written) <= set(SECTIONS)
