"""Settings of the core: environment variables that begin with `HEARTH_`, or a `.env` file.

Loaded once by each process and passed on; a plugin has a settings class of its own, read the same way under
`HEARTH_PLUGINNAME_`.
"""

import re
import socket
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.addresses import Reach
from shared.errors import BadInput


class Quota(BaseModel):
    """A token bucket: `burst` requests at once, then `per_minute`."""

    burst: int = Field(ge=1, le=100_000)
    per_minute: float = Field(gt=0, le=100_000)


class Shards(BaseModel, frozen=True):
    """The connections to Discord that one process holds, of `count` in all. Written "0-7/16", or "3/16"."""

    first: int = Field(ge=0)
    last: int = Field(ge=0)
    count: int = Field(ge=1, le=100_000)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if (found := re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?/(\d{1,6})", value.strip())) is None:
            raise ValueError("shards are written as 0-7/16: the first and last of this process, of how many")
        return {"first": found[1], "last": found[2] or found[1], "count": found[3]}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.first <= self.last < self.count:
            raise ValueError(f"of {self.count} shards there is no {self.first} to {self.last}")
        return self

    @property
    def ids(self) -> range:
        """Return the numbers of this process's shards."""
        return range(self.first, self.last + 1)


class Settings(BaseSettings):
    """What an operator may set. Every field is documented in `docs/settings.md`; a test holds that."""

    model_config = SettingsConfigDict(
        env_prefix="HEARTH_", env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    token: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("HEARTH_TOKEN", "DISCORD_TOKEN", "token")
    )
    token_file: Path | None = None
    secret_key: SecretStr | None = None
    """Key of what is encrypted at rest, 32 bytes in URL-safe base64; else one is made in the data folder."""

    data_dir: Path = Path("data")
    database_url: str | None = None
    plugin_folders: tuple[Path, ...] = ()
    disabled_plugins: frozenset[str] = frozenset()
    message_content: bool = False
    """Ask Discord for the message content intent, which watching a channel needs."""

    instance: str = Field(default_factory=socket.gethostname, max_length=64)
    """Name of this bot among those that share a database; the same over its restarts. Beside `shards` it needs none."""

    shards: Annotated[Shards | None, NoDecode] = None
    """Which of Discord's connections this process holds, as "0-7/16"; else as many as Discord recommends, all here."""

    engine: Literal["local", "ray"] = "local"
    """What runs the models: a process on this machine, or a Ray cluster."""

    ray_address: str = Field(default="", max_length=500)
    """Where the cluster is: "auto", "host:port" or "ray://host:port"; empty starts one on this machine."""

    ray_replicas: dict[str, Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=dict)
    ray_cpus: dict[str, Annotated[float, Field(ge=0, le=1024)]] = Field(default_factory=dict)
    ray_gpus: dict[str, Annotated[float, Field(ge=0, le=64)]] = Field(default_factory=dict)
    """By model: how many processes answer for it, and what share of CPUs and GPUs is kept for each."""

    ray_cache: str | None = None
    """Folder on each node for what it fetches from the model store."""

    model_store: str | None = Field(default=None, max_length=500)
    """Address of a model store that many machines see, "s3://bucket/prefix" or "file:///folder"."""

    device: str = "auto"
    threads: int | None = Field(default=None, ge=1, le=256)
    memory_budget_mib: int | None = Field(default=None, ge=64)
    hub: dict[str, str] = Field(default_factory=dict)
    """Model name to "org/name@revision" of a hub model to use where the store has no champion."""

    feedback: bool = True
    """Whether people may say that a verdict is right or wrong, and models may learn from it."""

    training: dict[str, Path] = Field(default_factory=dict)
    """Model name to the data file that its retraining starts from; else the small one that ships."""

    retrain_after: int = Field(default=20, ge=1, le=100_000)
    """Texts that people agree on, new since the last training, after which a model is trained again."""

    retrain_gap_hours: float = Field(default=6.0, ge=0, le=10_000)
    """A model is trained by itself at most once in so many hours."""

    retrain_minutes: float = Field(default=10.0, ge=1, le=10_000)
    """How often a model looks whether there is enough to learn."""

    news_channel: int | None = None
    """Id of a channel that hears of every training, beside those that said /models news."""

    news_locale: str = "en-US"

    backup_folder: Path | None = None
    """Where backups are made by themselves; None: they are not."""

    backup_cron: str = "30 3 * * *"
    """When, in UTC."""

    backup_days: int = Field(default=7, ge=1, le=10_000)
    """Of the last so many days that have a backup, the last one of each is kept."""

    backup_weeks: int = Field(default=4, ge=0, le=10_000)
    """The same of weeks."""

    max_waiting: int = Field(default=512, ge=1, le=100_000)
    """Requests that may wait for one model before people are told that it is busy."""

    deadline_seconds: float = Field(default=60.0, gt=0, le=840)
    person_quota: Quota = Quota(burst=20, per_minute=20)
    server_quota: Quota = Quota(burst=200, per_minute=200)
    download_limit: int = Field(default=10 * 1024 * 1024, ge=1024, le=100 * 1024 * 1024)
    fetch_allow: tuple[str, ...] = ()
    """Networks inside that addresses may lead to, beside the public internet, on any port."""

    fetch_seconds: float = Field(default=15.0, gt=0, le=120)
    pixel_limit: int = Field(default=40_000_000, ge=1)

    http_host: str = "127.0.0.1"
    http_port: int | None = Field(default=8080, ge=0, le=65535)
    """Port of health and metrics; 0 takes a free one; empty turns them off."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "console"

    @field_validator("fetch_allow")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Reach.of(value)
        return value

    @field_validator("backup_folder", mode="before")
    @classmethod
    def _no_folder_is_off(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("backup_cron")
    @classmethod
    def _is_schedule(cls, value: str) -> str:
        # Not above: it brings the scheduler with it, and every process reads settings.
        from shared.schedule import Schedule

        try:
            Schedule(cron=value)
        except BadInput as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _each_shard_has_a_name(self) -> Self:
        # Several processes of one machine must not take each other for their own earlier life.
        if self.shards is not None and "instance" not in self.model_fields_set:
            named = f"{self.instance[:40]}-{self.shards.first}-of-{self.shards.count}"
            object.__setattr__(self, "instance", named)
        return self

    @field_validator("http_port", mode="before")
    @classmethod
    def _empty_is_off(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def database(self) -> str:
        """The database's address: the one set, or a SQLite file in the data folder."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{(self.data_dir / 'hearth.db').absolute()}"
        for plain, driver in (
            ("postgresql://", "postgresql+asyncpg://"),
            ("sqlite://", "sqlite+aiosqlite://"),
        ):
            if self.database_url.startswith(plain):
                return driver + self.database_url.removeprefix(plain)
        return self.database_url

    @property
    def models_dir(self) -> Path:
        """The model store's folder."""
        return self.data_dir / "models"

    def read_token(self) -> str | None:
        """Return the bot token, from the environment or from the token file; None where neither is set."""
        if self.token is not None and (token := self.token.get_secret_value().strip()):
            return token
        if self.token_file is not None:
            return self.token_file.read_text(encoding="utf-8").strip() or None
        return None
