"""Settings of the plugin, read under `HEARTH_DIGITS_`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DigitsSettings(BaseSettings):
    """Settings of the plugin."""

    model_config = SettingsConfigDict(frozen=True)

    checkpoints: Path | None = None
    """Where trainings keep their checkpoints, so that one broken off goes on."""
    epochs: int | None = Field(default=None, ge=1, le=1000)
    """How many epochs a training takes, where it is not the number of the recipe."""


def from_environment() -> DigitsSettings:
    """Read the settings where no core has read them: in the trainer."""
    return DigitsSettings(_env_prefix="HEARTH_DIGITS_")  # type: ignore[call-arg]
