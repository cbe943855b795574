"""What an operator can set of the face models; the plugin's settings are built on these."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class FaceSettings(BaseSettings):
    """Settings of the models."""

    model_config = SettingsConfigDict(frozen=True)

    yunet: Path | None = None
    """An ONNX file of OpenCV's YuNet: it then finds the faces instead of dlib's detector and the Haar cascade."""
    vgg: str | None = None
    """VGG-16's ImageNet weights for training `face-vgg`: a .safetensors or .pth file, or "hub" for torchvision's."""


def from_environment() -> FaceSettings:
    """Read the settings where no core has read them: in the worker and the trainer."""
    return FaceSettings(_env_prefix="HEARTH_ROLLCALL_")  # type: ignore[call-arg]
