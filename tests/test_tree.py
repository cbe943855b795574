"""Guards the whole tree: names, sizes, docstrings, documentation, and what may be imported or mentioned."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import discord
import pytest

from shared.plugin import Hooks
from shared.plugins import Plugins
from shared.settings import Settings

REPOSITORY = Path(__file__).parents[1]
OURS = ("bot", "plugins", "shared", "schedules")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}
LONGEST = 500
UNSAFE = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
HEAVY = {
    "torch", "transformers", "tokenizers", "sklearn", "pandas", "matplotlib", "xgboost", "scipy", "lxml", "trafilatura",
    "pypdf",
}  # fmt: skip
# Put together here, so that this file does not mention them itself.
PRIVATE = re.compile("|".join(("/wo" + "rk/", "/ro" + "ot/", r"registry\.np" + "mjs", r"py" + r"pi\.org")))
AS_IT_STARTS = """
import importlib, sys
import bot.cli.run, bot.app, bot.assembly
from shared.plugins import Plugins
plugins = Plugins.discover()
assert plugins.loaded and not plugins.quarantined, plugins.quarantined
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def tracked() -> list[Path]:
    """Return every file that git tracks, or would after `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := REPOSITORY / name).is_file()]


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield the path and the syntax tree of every Python file below `folders`."""
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield str(path.relative_to(REPOSITORY)), ast.parse(path.read_text(encoding="utf-8"))


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [str(path) for path in tracked() if path.stem in VAGUE]


def test_no_python_file_is_over_500_lines() -> None:
    files = [path for path in tracked() if path.suffix == ".py"]
    assert len(files) > 100
    long = {str(p): n for p in files if (n := p.read_text(encoding="utf-8").count("\n")) > LONGEST}
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    modules = list(sources(*OURS, "tests/kit"))
    assert len(modules) > 50
    assert not [path for path, tree in modules if tree.body and not ast.get_docstring(tree)]


def test_every_public_class_and_function_has_a_docstring() -> None:
    bare = [
        f"{path}: {node.name}"
        for path, tree in sources(*OURS, "tests/kit")
        for node in tree.body
        # Alembic's upgrade and downgrade say it by their names.
        if "/migrations/" not in path
        and isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not bare


def test_every_setting_is_documented() -> None:
    text = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    assert not [name for name in Settings.model_fields if f"`HEARTH_{name.upper()}`" not in text]


def test_every_documented_setting_exists() -> None:
    core = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8").partition("## Of plugins")[0]
    known = {f"HEARTH_{name.upper()}" for name in Settings.model_fields}
    assert not [
        name for name in re.findall(r"^\| `(HEARTH_[A-Z_]+)`", core, re.MULTILINE) if name not in known
    ]


def test_every_setting_of_a_plugin_is_documented() -> None:
    text = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    plugins = [plugin for plugin in Plugins.discover() if plugin.origin == "built in"]
    wanted = [
        f"`HEARTH_{plugin.name.upper()}_{name.upper()}`"
        for plugin in plugins
        if plugin.card.settings
        for name in plugin.card.settings.model_fields
    ]
    assert wanted
    assert not [name for name in wanted if name not in text]


def test_every_hook_is_documented() -> None:
    text = (REPOSITORY / "docs" / "plugins.md").read_text(encoding="utf-8")
    hooks = [name for name in vars(Hooks) if not name.startswith("_")]
    assert "card" in hooks
    assert not [name for name in hooks if f"| `{name}(" not in text]


def test_every_metric_is_documented() -> None:
    from bot.metrics import Metrics

    text = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    names = [family.name for family in Metrics().registry.collect()]
    assert "hearth_acknowledgement_seconds" in names
    assert not [name for name in names if f"`{name}" not in text]


def test_the_tests_that_the_threat_model_names_exist() -> None:
    named = re.findall(
        r"`(tests/[\w/]+\.py)::(\w+)`", (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")
    )
    assert len(named) > 20
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(
            rf"^(async )?def {name}\(", (REPOSITORY / path).read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert not missing


def test_nothing_that_runs_unpickles() -> None:
    found = {f"{path}: {name}" for path, tree in sources(*OURS) for name in _unsafe(tree)}
    # CIFAR-10's own archive is of pickles, which an unpickler reads that knows four names.
    assert found == {"plugins/image/cifar_archive.py: pickle"}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('x')",
        "import torch\ntorch.load('x', weights_only=False)",
        "from pickle import UnpicklingError, loads",
        "def f():\n    import dill",
    ],
)
def test_what_unpickles_is_found(code: str) -> None:
    assert list(_unsafe(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["import torch\ntorch.load('x', weights_only=True)", "from pickle import UnpicklingError"]
)
def test_what_cannot_run_code_is_left_alone(code: str) -> None:
    assert not list(_unsafe(ast.parse(code)))


def _unsafe(tree: ast.Module) -> Iterator[str]:
    # Tensors alone, by torch's own restricted unpickler.
    tensors = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(
            each.arg == "weights_only" and isinstance(each.value, ast.Constant) and each.value.value is True
            for each in node.keywords
        )
    }
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="pickle", names=[ast.alias(name="UnpicklingError")]):
                continue
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name.partition(".")[0] in UNSAFE)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in UNSAFE:
                yield module
            case ast.Attribute(value=ast.Name(id="torch"), attr="load") if id(node) not in tensors:
                yield "torch.load"


def test_the_bot_imports_no_heavy_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_IT_STARTS], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert {"discord", "sqlalchemy", "plugins"} <= imported
    assert not imported & HEAVY


def test_every_package_that_is_imported_is_declared() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed, extras = _names(project["dependencies"]), project["optional-dependencies"]
    everything = needed.union(*map(_names, extras.values()))
    packages = {
        module: {_normal(name) for name in names} for module, names in packages_distributions().items()
    }
    # Its wheel does not say what it holds.
    packages["dlib"] = {"dlib-bin"}
    # Extras, which need not be installed.
    packages |= {"pillow_heif": {"pillow-heif"}, "opentelemetry": {"opentelemetry-sdk"}, "ray": {"ray"}}
    packages |= {name: {name} for name in ("atheris", "boto3", "moto", "s3fs")}
    for_users = [names for extra, names in extras.items() if extra not in ("dev", "test")]
    undeclared = {
        f"{path}: {name}"
        for folders, declared in (
            (OURS, needed.union(*map(_names, for_users))),
            (("tests", "benchmarks"), everything),
        )
        for path, name in _imported(*folders)
        if not packages.get(name, set()) & declared
    }
    assert not undeclared


def _imported(*folders: str) -> Iterator[tuple[str, str]]:
    ours = {*OURS, "tests", "benchmarks", "docs", "trial", "hearth_weather"}
    for path, tree in sources(*folders):
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    found = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module), level=0):
                    found = [module]
                case _:
                    continue
            for name in {each.partition(".")[0] for each in found} - ours - sys.stdlib_module_names:
                yield path, name


def _names(requirements: list[str]) -> set[str]:
    return {_normal(re.split(r"[^\w.-]", each)[0]) for each in requirements}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if hit := PRIVATE.search(text):
            found.append(f"{path.relative_to(REPOSITORY)}: {hit[0]}")
    assert not found


def test_the_invitation_asks_for_the_permissions_that_its_table_names() -> None:
    text = (REPOSITORY / "docs" / "discord.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z][A-Za-z ,]+) \|", text.partition("## Permissions")[2], re.MULTILINE)
    # As discord.py names them.
    names = [name.strip().lower().replace(" ", "_") for row in rows for name in row.split(",")]
    wanted = discord.Permissions(**{{"view_channels": "view_channel"}.get(n, n): True for n in names})
    (asked,) = re.findall(r"permissions=(\d+)", text)
    assert discord.Permissions(int(asked)) == wanted
