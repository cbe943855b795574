"""Settings of the plugin, read under `HEARTH_FACT_`."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class FactSettings(BaseSettings):
    """What an operator can set."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="HEARTH_FACT_")

    base: str | None = None
    """A folder, or org/name@revision of a hub: the transformer that training fine-tunes instead of the default."""
