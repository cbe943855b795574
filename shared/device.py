"""Where models run: device, threads, and the one place that sets torch up. Torch is imported only when needed."""

import os
from pathlib import Path

from shared.model import Device

_NVIDIA = Path("/dev/nvidiactl")


def choose_device(wanted: str = "auto", threads: int | None = None) -> Device:
    """Choose a device: "auto" takes the GPU where there is one. Without an NVIDIA driver torch is not imported."""
    free = threads or len(os.sched_getaffinity(0))
    if wanted != "auto":
        return Device(wanted, free)
    if _NVIDIA.exists():
        import torch

        if torch.cuda.is_available():
            return Device("cuda", free)
    return Device("cpu", free)


def limit_threads(threads: int) -> None:
    """Keep numeric libraries, which read this when they are imported, to `threads` threads."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))
    # Two busy OpenMP teams on few cores stall each other while they spin.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def prepare_torch() -> None:
    """Make torchvision importable beside a CPU build of torch; call it before anything imports torchvision.

    Its wheel is built for CUDA, so its compiled operators do not load there, and importing it fails on the first
    that it names. Their signatures are declared instead: detection post-processing is then missing, all else works.
    """
    import torch

    if torch.version.cuda is not None:
        return
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(
                f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
