"""The wheel holds all that runs and nothing that does not; the container's files name things that exist."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from shared.settings import Settings

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("bot", "plugins", "schedules", "shared")
PRIZE = "WINNER!! You have been selected to receive a 900 pound prize. Call 09061701461 now"
SETTINGS = {f"HEARTH_{name.upper()}" for name in Settings.model_fields}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel as `pip install` would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", folder, "."]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("hearth_bot-*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_every_file_of_our_packages(wheel: zipfile.ZipFile) -> None:
    wanted = _tracked(*FOLDERS, "tests/kit")
    assert len(wanted) > 100
    assert not wanted - set(wheel.namelist())


@pytest.mark.parametrize(
    "pattern",
    [
        r"plugins/spam/weights/.+\.safetensors",
        r"plugins/spam/locale/zh_TW/LC_MESSAGES/spam\.po",
        r"plugins/spam/migrations/versions/.+\.py",
        r"shared/locale/zh_TW/LC_MESSAGES/hearth\.po",
        r"shared/migrations/versions/.+\.py",
        r"bot/sandbox/page/index\.html",
        r"bot/sandbox/page/.+\.css",
        r"tests/kit/fixtures\.py",
        r"hearth_bot-[^/]+\.dist-info/licenses/LICENSE",
    ],
)
def test_the_wheel_holds_what_runs_beside_the_code(wheel: zipfile.ZipFile, pattern: str) -> None:
    assert any(re.fullmatch(pattern, name) for name in wheel.namelist())


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    known = re.compile(r"(bot|plugins|schedules|shared|tests/kit|hearth_bot-[^/]+\.dist-info)/.+")
    assert not [name for name in wheel.namelist() if not known.fullmatch(name) or "__pycache__" in name]
    # More than this an index of packages does not take.
    assert sum(entry.compress_size for entry in wheel.infolist()) < 100 * 2**20


def test_the_wheel_declares_the_command_and_the_pytest_plugin(wheel: zipfile.ZipFile) -> None:
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/entry_points.txt"))
    text = wheel.read(name).decode()
    assert "hearth = bot.cli:main" in text
    assert "hearth = tests.kit.fixtures" in text


def test_the_pytest_plugin_burdens_nobody_who_does_not_use_it() -> None:
    # pytest loads it in every run where Hearth is installed, in those of people who lack its extra, too.
    code = (
        "import sys; sys.modules['pytest_asyncio'] = None; import tests.kit.fixtures as kit; kit.caller; "
        "print(*sorted({'bot.assembly', 'discord', 'sqlalchemy', 'tests.kit.house'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_what_the_kits_fixtures_import_comes_with_the_extra_for_tests() -> None:
    project = tomllib.loads(_read("pyproject.toml"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    declared = {re.split(r"[^\w.-]", each)[0].replace("_", "-").lower() for each in wanted}
    distributions = packages_distributions()
    imported = set()
    for name in ("answer", "caller", "fixtures", "house", "jobs", "person", "typed", "worker"):
        text = _read(f"tests/kit/{name}.py")
        imported |= set(re.findall(r"^ *(?:from|import) (\w+)", text, re.MULTILINE))
    foreign = imported - set(sys.stdlib_module_names) - {*FOLDERS, "tests"}
    assert "pytest_asyncio" in foreign
    assert not [
        name
        for name in foreign
        if not {each.replace("_", "-").lower() for each in distributions.get(name, [])} & declared
    ]


def test_the_installed_wheel_answers_in_chinese_from_its_own_weights(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    installed = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", installed]
    subprocess.run([*command, str(wheel.filename)], check=True, capture_output=True, timeout=300)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HEARTH_", "DISCORD_"))}
    # Before the checkout, which is on the path as well.
    environment |= {"PYTHONPATH": str(installed), "HEARTH_DATA_DIR": str(tmp_path / "data")}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run(
        "-c", "import bot, plugins, shared; print(*bot.__path__, *plugins.__path__, *shared.__path__)"
    )
    assert where.split() == [str(installed / name) for name in ("bot", "plugins", "shared")]
    said = run("-m", "bot.cli", "call", "spam", "score", PRIZE, "--locale", "zh-TW")
    assert "很可能是垃圾訊息" in said
    assert (tmp_path / "data" / "hearth.db").is_file()


def test_every_source_that_the_dockerfile_copies_exists_and_is_sent_to_the_builder() -> None:
    text = _read("Dockerfile")
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert set(FOLDERS) <= set(copied)
    assert not [source for source in copied if not (REPOSITORY / source).exists()]
    sent = re.findall(r"^!(.+)$", _read(".dockerignore"), re.MULTILINE)
    assert not [source for source in copied if source not in sent]


def test_what_the_wheel_is_built_from_is_all_copied_into_the_image() -> None:
    include = re.search(r"^include = \[(.+)\]$", _read("pyproject.toml"), re.MULTILINE)
    assert include is not None
    folders = [each.removesuffix("/**") for each in re.findall(r'"([^"]+)"', include[1])]
    assert not [folder for folder in folders if f"COPY {folder} ./{folder}\n" not in _read("Dockerfile")]


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", ".env.example"])
def test_the_settings_that_a_container_is_given_exist(name: str) -> None:
    named = set(re.findall(r"\b(HEARTH_[A-Z_]+)\s?[=:]", _read(name)))
    assert named
    assert not named - SETTINGS


def _read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def _tracked(*folders: str) -> set[str]:
    command = ["git", "ls-files", "-z", "--", *folders]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split("\0") if name and (REPOSITORY / name).is_file()}
