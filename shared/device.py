"""Where models run: device, threads, and the one place that sets torch up. Torch is imported only when needed."""

import os
from importlib.util import find_spec
from pathlib import Path

from shared.model import Device

_NVIDIA = Path("/dev/nvidiactl")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def choose_device(wanted: str = "auto", threads: int | None = None) -> Device:
    """Choose a device: "auto" takes the GPU where there is one. Without an NVIDIA driver torch is not imported."""
    free = threads or free_cores()
    if wanted != "auto":
        return Device(wanted, free)
    # Beside many CPU builds of torch there is a driver too, and then it is torch that knows.
    if _NVIDIA.exists() and find_spec("torch") is not None:
        import torch

        if torch.cuda.is_available():
            return Device("cuda", free)
    return Device("cpu", free)


def free_cores(quota: Path = _QUOTA) -> int:
    """Return how many cores this process may use: its CPU affinity, or less where its container has a quota."""
    cores = len(os.sched_getaffinity(0))
    try:
        limit, period = quota.read_text().split()
        return max(1, min(cores, int(limit) // int(period)))
    # No container, no quota ("max"), or cgroups of the first version.
    except (OSError, ValueError, ZeroDivisionError):
        return cores


def limit_threads(threads: int) -> None:
    """Keep numeric libraries, which read this when they are imported, to `threads` threads."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))
    # Two busy OpenMP teams on few cores stall each other while they spin.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def prepare_torch() -> None:
    """Make torchvision importable beside a CPU build of torch; call it before anything imports torchvision.

    Its wheel from the main index is built for CUDA, so its compiled operators do not load there, and importing it
    fails on the first that it names. Their signatures are declared instead: detection post-processing is then missing,
    all else works. Where the compiled operators do load, or without torchvision, this does nothing.
    """
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    import torch

    if torch.version.cuda is not None or _loads_operators(Path(spec.origin).parent):
        return
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(
                f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )


def _loads_operators(folder: Path) -> bool:
    import torch

    for library in folder.glob("_C*.so"):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return True
    return False
