"""Settings of the plugin, read under `HEARTH_IMAGE_`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ImageSettings(BaseSettings):
    """Settings of the plugin."""

    model_config = SettingsConfigDict(frozen=True)

    classifier: str | None = Field(default=None, pattern=r"^(torchvision|timm):[\w.]{1,100}$")
    """A network of torchvision or timm, as `torchvision:resnet50`, in place of EfficientNet-Lite0."""

    weights: Path | None = None
    """Its weights: a safetensors file, or a folder with one and a config.json."""

    threshold: float | None = Field(default=None, ge=0, le=1)
    """The probability below which nothing is named, where it is not the model's own."""

    checkpoints: Path | None = None
    """Where trainings keep their checkpoints, so that one that was broken off goes on."""


def from_environment() -> ImageSettings:
    """Read the settings where no core has read them: in the worker."""
    return ImageSettings(_env_prefix="HEARTH_IMAGE_")  # type: ignore[call-arg]
