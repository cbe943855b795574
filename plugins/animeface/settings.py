"""Settings of the model side, read under `HEARTH_ANIMEFACE_`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class AnimefaceSettings(BaseSettings):
    """Settings of the training of generators."""

    model_config = SettingsConfigDict(frozen=True)

    minutes: float = Field(default=60.0, gt=0, le=100_000)
    """How many minutes one call of `hearth models train` trains for; the next goes on from its checkpoint."""

    checkpoints: Path | None = None
    """Where trainings keep their checkpoints, so that they go on in pieces."""


def from_environment() -> AnimefaceSettings:
    """Read the settings where no core has read them: in the trainer."""
    return AnimefaceSettings(_env_prefix="HEARTH_ANIMEFACE_")  # type: ignore[call-arg]
