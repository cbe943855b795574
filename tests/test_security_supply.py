"""What is installed is pinned by the hashes of its files, and audited; who is excepted from bandit has a reason."""

import re
import tomllib
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-build.lock")


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    """Load the script, whose name is no module's."""
    loader = SourceFileLoader("audit", str(REPOSITORY / ".ci" / "audit"))
    spec = spec_from_loader("audit", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", LOCKS)
def test_everything_in_the_lock_has_a_version_and_hashes_and_no_address(audit: ModuleType, name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    assert len(audit.locked(REPOSITORY / name)) > 5
    assert not audit.unhashed(text)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_lock_has_all_that_pyproject_asks_for_in_its_ranges(audit: ModuleType) -> None:
    pins = audit.locked(REPOSITORY / "requirements.lock")
    assert len(pins) > 90
    assert not audit.unlocked(pins)
    # PyTorch's own index has them, in several builds.
    assert not [name for name in pins if re.match(r"torch|nvidia-|triton|cuda-", name)]


def test_what_is_installed_here_is_what_the_image_has(audit: ModuleType) -> None:
    assert not audit.drifted(audit.locked(REPOSITORY / "requirements.lock"))


def test_the_audit_finds_what_is_wrong(audit: ModuleType) -> None:
    pins = audit.locked(REPOSITORY / "requirements.lock")
    older = {**pins, "aiohttp": "3.9.0"}
    assert [line.split()[0:3] for line in audit.unlocked(older)] == [["requirements.lock", "has", "aiohttp"]]
    assert audit.drifted(older) == [
        f"aiohttp {pins['aiohttp']} is installed, the lock has 3.9.0; run .ci/lock, or install anew"
    ]
    del older["aiohttp"]
    assert audit.unlocked(older) == ["requirements.lock lacks aiohttp; run .ci/lock"]
    assert audit.drifted({"nobody-has-this": "1"}) == ["nobody-has-this 1 of the lock is not installed"]
    good = f"a==1 \\\n    --hash=sha256:{'0' * 64}\n"
    assert not audit.unhashed(good)
    for bad in (
        "b==2\n",
        "b>=2 --hash=sha256:" + "0" * 64 + "\n",
        "b==2 --hash=md5:00\n",
        "b @ https://x.example/b\n",
    ):
        assert audit.unhashed(good + bad) == ["b" if "@" in bad else bad.split()[0]]


def test_the_build_takes_what_builds_it_from_the_lock_too(audit: ModuleType) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    pins = audit.locked(REPOSITORY / "requirements-build.lock")
    wanted = {re.split(r"[^\w-]", each)[0] for each in project["build-system"]["requires"]}
    assert wanted | {"setuptools", "wheel"} <= set(pins)


def lines() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each line of code that runs."""
    for folder in ("bot", "plugins", "schedules", "shared"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for line in path.read_text(encoding="utf-8").splitlines():
                yield path.relative_to(REPOSITORY).as_posix(), line


def test_each_exception_from_bandit_is_for_one_rule_and_has_its_reason() -> None:
    excepted = [(path, line) for path, line in lines() if "nosec" in line]
    assert len(excepted) >= 2
    assert not [path for path, line in excepted if not re.search(r"# nosec B\d{3} # \w+ \w+", line)]


def test_what_must_not_be_guessed_is_not_drawn_from_random() -> None:
    found = {path for path, line in lines() if re.match(r"\s*(import random\b|from random import)", line)}
    # To shuffle what a model learns from; plugins do it, too.
    assert {path for path in found if not path.startswith("plugins/")} == {"shared/finetune.py"}
    careless = {path for path in found if re.search("|".join(("token_", "nonce", "password", "signature")),
                                                    (REPOSITORY / path).read_text(encoding="utf-8"))}  # fmt: skip
    assert not careless
