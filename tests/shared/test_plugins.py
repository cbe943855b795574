"""Plugins are found, checked, and kept apart: one that fails is quarantined and named, the rest run on."""

import sys
from pathlib import Path

import pytest

from shared.plugins import Plugins

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def write(folder: Path, name: str, body: str) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "__init__.py").write_text(
        f'"""A plugin of a test."""\nfrom shared.plugin import Card, hookimpl\n{body}\n'
    )


def card(name: str, summary: str = "Words", more: str = "") -> str:
    return f"@hookimpl\ndef card():\n    return Card(name={name!r}, summary={summary!r}{more})\n"


def test_a_broken_and_a_greedy_plugin_are_named_and_the_others_run() -> None:
    plugins = Plugins.discover([FIXTURES / "folder"])
    assert "spam" in plugins.loaded
    assert "broken on purpose" in plugins.quarantined["broken"].reason
    assert "broken/__init__.py" in plugins.quarantined["broken"].trace
    assert "forget" in plugins.quarantined["greedy"].reason


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("syntax", "def", "SyntaxError"),
        ("exits", "raise SystemExit(3)", "SystemExit"),
        ("nocard", "", "no card"),
        ("other", card("another"), "must be one"),
        ("audit", card("audit"), "belongs to the core"),
        ("future", card("future", more=", api=99"), "version 99"),
        ("typo", card("typo") + "@hookimpl\ndef comands():\n    return ()\n", "comands"),
        ("listed", card("listed") + "@hookimpl\ndef commands():\n    return (1,)\n", "did not make"),
        ("half", card("half") + "@hookimpl\ndef forget_user_files():\n    return 0\n", "not both"),
        ("modelled", card("modelled") + "@hookimpl\ndef models():\n    return (int,)\n", "lacks"),
    ],
)
def test_each_breach_of_the_contract_is_quarantined_with_its_reason(
    folder: Path, name: str, body: str, says: str
) -> None:
    write(folder, name, body)
    plugins = Plugins.discover([folder])
    assert name not in plugins.loaded
    assert says in plugins.quarantined[name].reason
    assert "spam" in plugins.loaded


def test_a_second_plugin_of_a_name_does_not_push_out_the_first(folder: Path) -> None:
    write(folder, "spam", card("spam", "An impostor"))
    plugins = Plugins.discover([folder])
    assert plugins.loaded["spam"].origin == "built in"
    assert any("there already" in q.reason for q in plugins.quarantined.values())


def test_reload_takes_up_new_code_and_mends_or_quarantines(folder: Path) -> None:
    write(folder, "turning", card("turning", "First"))
    plugins = Plugins.discover([folder])
    assert plugins.loaded["turning"].card.summary == "First"
    write(folder, "turning", card("turning", "Second, longer"))
    plugins.reload("turning")
    assert plugins.loaded["turning"].card.summary == "Second, longer"
    write(folder, "turning", "raise ValueError('no')")
    plugins.reload("turning")
    assert "turning" not in plugins.loaded
    assert "ValueError" in plugins.quarantined["turning"].reason
    write(folder, "turning", card("turning", "Third, mended again"))
    plugins.reload("turning")
    assert not plugins.quarantined
    assert plugins.loaded["turning"].card.summary == "Third, mended again"


def test_disabled_plugins_are_not_imported(folder: Path) -> None:
    write(folder, "sideeffect", "raise SystemExit")
    assert not Plugins.discover([folder], disabled=["sideeffect"]).quarantined
