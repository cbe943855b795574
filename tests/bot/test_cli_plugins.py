"""Plugins from the command line: a third party's by pip, a new one from the scaffold, a broken one by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"
ROOT = Path(__file__).parents[2]


def hearth(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        capture_output=True, text=True, timeout=120, cwd=ROOT,
        env={**os.environ, "HEARTH_DATA_DIR": str(folder), **environment},
    )  # fmt: skip


def install(package: Path, target: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation",
         "--disable-pip-version-check", "--target", str(target), str(package)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def test_a_third_partys_plugin_appears_once_it_is_installed(tmp_path: Path) -> None:
    install(FIXTURES / "hearth-weather", tmp_path / "site")
    path = {"PYTHONPATH": str(tmp_path / "site")}
    listed = hearth(tmp_path, "plugins", "list", "--json", **path)
    rows = {row["name"]: row for row in json.loads(listed.stdout)}
    assert rows["weather"]["state"] == "on"
    assert rows["weather"]["origin"] == "hearth-weather 1.2.3"
    called = hearth(tmp_path, "call", "weather", "feels", "25", **path)
    assert called.stdout.strip() == "warm"


def test_the_scaffold_writes_a_plugin_whose_tests_pass(tmp_path: Path) -> None:
    wrote = hearth(tmp_path, "plugins", "new", "tides", "--folder", str(tmp_path))
    assert wrote.returncode == 0, wrote.stderr
    package = tmp_path / "hearth-tides"
    install(package, tmp_path / "site")
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(package)],
        capture_output=True, text=True, timeout=120, cwd=package,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])},
    )  # fmt: skip
    assert "2 passed" in tested.stdout, tested.stdout + tested.stderr
    again = hearth(tmp_path, "plugins", "new", "tides", "--folder", str(tmp_path))
    assert again.returncode == 1
    assert "there already" in again.stderr


@pytest.mark.parametrize(
    ("name", "says"), [("Tides", "begins with a letter"), ("models", "belongs to the core")]
)
def test_the_scaffold_refuses_names_that_cannot_work(tmp_path: Path, name: str, says: str) -> None:
    refused = hearth(tmp_path, "plugins", "new", name, "--folder", str(tmp_path))
    assert refused.returncode == 1
    assert says in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_a_broken_plugin_is_named_and_the_doctor_of_plugins_ends_with_1(tmp_path: Path) -> None:
    found = hearth(
        tmp_path, "plugins", "doctor", HEARTH_PLUGIN_FOLDERS=json.dumps([str(FIXTURES / "folder")])
    )
    assert found.returncode == 1
    assert "ok          spam" in found.stdout
    assert "quarantined broken" in found.stdout
    assert "broken on purpose" in found.stdout
    assert "Traceback" not in found.stdout + found.stderr


def test_switching_off_lasts_and_names_the_unknown(tmp_path: Path) -> None:
    assert hearth(tmp_path, "plugins", "disable", "spam").returncode == 0
    (row,) = [
        r for r in json.loads(hearth(tmp_path, "plugins", "list", "--json").stdout) if r["name"] == "spam"
    ]
    assert row["state"] == "off"
    hearth(tmp_path, "plugins", "enable", "spam", "--guild", "42")
    assert hearth(tmp_path, "plugins", "enable", "spam").returncode == 0
    unknown = hearth(tmp_path, "plugins", "enable", "nothing")
    assert unknown.returncode == 1
    assert "there are: animeface, article, digits, fact, image, lesson, reviews, rollcall" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["call", "spam", "score", ""], "empty"),
        (["call", "spam", "score", "x" * 6001], "6,001 characters"),
        (["call", "spam", "nothing"], "not here"),
        (["call", "spam", "score", "a", "b"], "1 values at most"),
        (["run"], "No token"),
        (["nothing"], "No such command 'nothing'"),
        (["models", "evaluate", "spam"], "Missing option '--data'"),
        (["sandbox", "--port", "99999999"], "less than or equal to 65535"),
    ],
)
def test_bad_input_ends_with_one_clear_line_and_no_traceback(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = hearth(tmp_path, *arguments, HEARTH_TOKEN="", DISCORD_TOKEN="")
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    done = hearth(tmp_path, "doctor", HEARTH_HTTP_PORT="many")
    assert done.returncode == 1
    assert done.stderr.startswith("hearth: HEARTH_HTTP_PORT: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_version_is_told(tmp_path: Path) -> None:
    done = hearth(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, "hearth 0.1.0\n")


def test_a_call_answers_like_chat_does(tmp_path: Path) -> None:
    done = hearth(tmp_path, "call", "spam", "score", "WINNER! Call 09061701461 to claim your prize", "--json")
    reply = json.loads(done.stdout)
    assert "Likely spam" in reply["title"]
    assert reply["fields"]["Probability of spam"].startswith(("> 99", "9"))
    assert reply["pictures"][0]["bytes"] > 1000
    assert reply["buttons"] == ["Right", "Wrong"]
    chinese = hearth(tmp_path, "call", "spam", "score", "WINNER! Call 09061701461 now", "--locale", "zh-TW")
    assert "很可能是垃圾訊息" in chinese.stdout
