"""Device and threads are chosen without torch, and torch is set up where it is used."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from shared.device import choose_device, free_cores
from shared.model import Device
from tests.kit.models import Ask, Echo
from tests.kit.worker import warm

HEAVY = ("torch", "sklearn", "pandas", "matplotlib", "xgboost", "scipy")
without_gpu = pytest.mark.skipif(
    Path("/dev/nvidiactl").exists(), reason="torch is asked where there is a GPU"
)


def run_python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_wanted_device_is_taken_as_it_is() -> None:
    assert choose_device("cuda:1", threads=3) == Device("cuda:1", 3)


@without_gpu
def test_without_a_gpu_the_cpu_is_chosen_and_torch_is_not_imported() -> None:
    code = "import sys, shared.device as d; print(d.choose_device().name, 'torch' in sys.modules)"
    assert run_python(code) == "cpu False"


def test_the_side_of_the_bot_imports_nothing_heavy() -> None:
    code = f"import sys, bot.local_engine, shared.predictor; print([m for m in {HEAVY} if m in sys.modules])"
    assert run_python(code) == "[]"


@without_gpu
async def test_a_worker_imports_nothing_heavy_by_itself() -> None:
    async with warm(Echo) as predictor:
        modules = (await predictor.predict(Echo, Ask(act="modules"), timeout=30)).text.split()
    assert "psutil" in modules
    assert not set(HEAVY) & set(modules)


async def test_numeric_libraries_in_the_worker_are_kept_to_its_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    async with warm(Echo, threads=3) as predictor:
        said = await predictor.predict(Echo, Ask("OMP_NUM_THREADS", act="environment"), timeout=30)
    assert said.text == "3"


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("max 100000", len(os.sched_getaffinity(0))),
        ("999900000 100000", len(os.sched_getaffinity(0))),
        ("nonsense", len(os.sched_getaffinity(0))),
    ],
)
def test_a_container_s_quota_limits_the_cores(tmp_path: Path, quota: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert free_cores(tmp_path / "cpu.max") == cores


def test_without_a_container_the_affinity_counts(tmp_path: Path) -> None:
    assert free_cores(tmp_path / "missing") == len(os.sched_getaffinity(0))


@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
def test_torchvision_can_be_imported_once_torch_is_prepared() -> None:
    code = "from shared.device import prepare_torch as p; p(); p(); import torchvision; print('imported')"
    assert run_python(code) == "imported"


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
def test_without_torchvision_nothing_is_prepared() -> None:
    code = "import sys; from shared.device import prepare_torch as p; p(); print('torch' in sys.modules)"
    assert run_python(code) == "False"
