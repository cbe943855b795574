"""Runs what the pages for newcomers and plugin authors show: commands, files and snippets; compares what they print.

A block of `console` is run line by line; what stands below a command must be what it prints, where `…` stands for
anything. A block with a title is a file of that name. Any other block of Python is run by itself. What cannot be run
here says so and why, in a comment above it.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import textwrap
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
# The page on testing goes on with the plugin that the tutorial has built.
STORIES = (("index.md",), ("start.zh.md",), ("plugins.md",), ("tutorial.md", "testing.md"))
PAGES = tuple(page for story in STORIES for page in story)
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?"
    r'```(?P<language>\w+)(?: title="(?P<title>[^"\n]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
SECONDS = 120
SERVER = """
import contextlib, io, json, os, sys
from bot.cli import main
answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    folder, *arguments = json.loads(line)
    os.chdir(folder)
    sys.argv, said, status = ["hearth", *arguments], io.StringIO(), 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    print(json.dumps([status, said.getvalue()]), file=answers, flush=True)
"""
"""`hearth` as its console script calls it, time after time in one process: starting Python anew takes seconds."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the line at which it begins."""

    page: str
    line: int
    language: str
    text: str
    title: str | None
    reason: str | None


@dataclass
class Shell:
    """A terminal in a folder of its own, with a virtual environment that sees what is installed here, and more."""

    home: Path
    folder: Path = field(init=False)
    _server: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.folder = self.home / "here"
        self.folder.mkdir(parents=True)
        environment = self.home / "venv"
        venv.create(environment)
        site = next(environment.glob("lib/python*/site-packages"))
        (site / "outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        self._script("hearth", 'exec python -m bot.cli "$@"')
        self._script("pytest", 'exec python -m pytest -p no:cacheprovider "$@"')
        # Into this environment, from what is here already.
        self._script(
            "pip",
            f'exec {sys.executable} -m pip --python "$VIRTUAL_ENV" "$@" --no-deps --no-build-isolation -q',
        )

    @property
    def environment(self) -> dict[str, str]:
        """What programs see; nothing of the developer's own settings."""
        own = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("HEARTH_", "DISCORD_", "PYTEST_", "COV_"))
        }
        return own | {
            "VIRTUAL_ENV": str(self.home / "venv"),
            "PATH": f"{self.home / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HEARTH_DATA_DIR": str(self.home / "data"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, command: str) -> tuple[int, str]:
        """Return the status of a command, and all that it printed."""
        words = command.split()
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve(strict=True)
            return 0, ""
        if words[0] == "hearth" and not re.search(r"[|<>&;$]", command):
            return self._hearth(command)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        if words[0] == "pip":
            self.close()
        return done.returncode, done.stdout

    def write(self, name: str, text: str) -> None:
        """Write a file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        # New code, as new packages, is seen by a Python that starts after it.
        self.close()

    def close(self) -> None:
        """End the process that answers `hearth`."""
        if self._server is not None:
            self._server.communicate(timeout=SECONDS)
            self._server = None

    def _hearth(self, command: str) -> tuple[int, str]:
        if self._server is None:
            self._server = subprocess.Popen(
                [self.home / "venv" / "bin" / "python", "-c", SERVER],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([str(self.folder), *shlex.split(command)[1:]]) + "\n")
        self._server.stdin.flush()
        status, said = json.loads(self._server.stdout.readline())
        return int(status), str(said)

    def _script(self, name: str, command: str) -> None:
        path = self.home / "venv" / "bin" / name
        path.write_text(f"#!/bin/bash\n{command}\n")
        path.chmod(0o755)


@pytest.mark.parametrize("story", STORIES, ids=" ".join)
def test_what_the_pages_show_is_what_happens(story: tuple[str, ...], tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    try:
        for page in story:
            assert run(page, shell)
    finally:
        shell.close()


def run(page: str, shell: Shell) -> int:
    """Run all blocks of a page; return how many there were to run."""
    ran = 0
    for block in blocks(page):
        if block.reason is not None:
            continue
        where = f"docs/{page}:{block.line}"
        if block.title is not None:
            shell.write(block.title, block.text)
        elif block.language == "console":
            for command, wanted in commands(block.text):
                status, said = shell.run(command)
                assert (status == 0) == (not wanted.startswith("hearth: ")), f"{where}: {command}\n{said}"
                assert matches(wanted, said), f"{where}: {command}\nprints\n{said}\nnot\n{wanted}"
        elif block.language == "python":
            snippet: dict[str, Any] = {"__name__": "snippet"}
            exec(compile("\n" * block.line + block.text, where, "exec"), snippet)
        else:
            continue
        ran += 1
    return ran


def test_every_reason_for_not_running_a_block_is_one() -> None:
    found = [block for page in PAGES for block in blocks(page)]
    assert len(found) > 25
    assert not [block for block in found if block.reason is not None and len(block.reason.split()) < 4]
    comments = sum((DOCS / page).read_text(encoding="utf-8").count("<!-- not run") for page in PAGES)
    assert comments == sum(block.reason is not None for block in found), "a comment that belongs to no block"


@pytest.mark.parametrize(
    ("wanted", "said", "same"),
    [
        ("", "anything\n", True),
        ("a\n", "a\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n…\nc\n", "a\nb\nb\nc\n", True),
        ("a\n…\n", "a\n", True),
        ("9 passed…\n", "9 passed in 3 s\n", True),
        ("9 passed…\n", "8 passed in 3 s\n", False),
        ("a…\n", "a b\nc\n", False),
    ],
)
def test_what_is_printed_is_compared(wanted: str, said: str, same: bool) -> None:
    assert matches(wanted, said) is same


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        Block(
            page, text.count("\n", 0, found.start("text")), found["language"],
            textwrap.dedent(found["text"]), found["title"], found["reason"],
        )
        for found in BLOCK.finditer(text)
    ]  # fmt: skip


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console, without its remark, and what is shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield re.sub(r"\s{2,}# .*$", "", command), shown


def matches(wanted: str, said: str) -> bool:
    """Tell whether a command printed what is shown, if anything is; `…` is any lines where it is one, else any text."""
    if not wanted.strip():
        return True
    pattern = ""
    for line in wanted.splitlines():
        pattern += r"(?:[^\n]*\n)*?" if line == "…" else re.escape(line).replace("…", r"[^\n]*") + r"[ ]*\n"
    return re.fullmatch(pattern, said if said.endswith("\n") else said + "\n") is not None
