"""Settings of the plugin, read under `HEARTH_ARTICLE_`."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class ArticleSettings(BaseSettings):
    """What an operator can set."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="HEARTH_ARTICLE_")

    base: str | None = None
    """A folder, or org/name@revision of a hub: the T5, mT5 or BART that training fine-tunes instead of the default."""
