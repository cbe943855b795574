"""Settings of the plugin, read under `HEARTH_SENTIMENT_`."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class SentimentSettings(BaseSettings):
    """Settings of the plugin."""

    model_config = SettingsConfigDict(frozen=True)

    base: str | None = None
    """A transformer to fine-tune when the model is trained: a folder, or "org/name@revision"."""
    checkpoints: Path | None = None
    """Where the trainings of the networks keep their checkpoints, so that one broken off goes on."""


def from_environment() -> SentimentSettings:
    """Read the settings where no core has read them: in the trainer."""
    return SentimentSettings(_env_prefix="HEARTH_SENTIMENT_")  # type: ignore[call-arg]
