"""The course's DCGAN as a model of its own, to be trained and compared: it ships no weights."""

from pathlib import Path
from typing import ClassVar, Self

from plugins.animeface.model import AnimeFace
from shared.errors import ModelUnavailable
from shared.model import Device, Progress, Report


class AnimefaceDcgan(AnimeFace):
    """Draws faces of 96 pixels; loaded when it is first asked."""

    name: ClassVar[str] = "animeface-dcgan"
    default: ClassVar[Path | None] = None
    warm: ClassVar[bool] = False

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights; it must have been trained first."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from plugins.animeface.dcgan_networks import DcganPainter

        return cls(DcganPainter.read(folder, device))

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.animeface.dcgan_training`."""
        from plugins.animeface.dcgan_training import train_dcgan

        return train_dcgan(data, folder, progress)
