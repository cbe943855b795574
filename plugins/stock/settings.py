"""Settings of the plugin, read under `HEARTH_STOCK_`."""

from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from yarl import URL

from shared.addresses import Reach

OFFICIAL = "https://www.twse.com.tw/rwd/zh/afterTrading/STOCK_DAY"
"""The exchange's daily table of one stock and one month."""


class StockSettings(BaseSettings):
    """Where days of trading come from, and how politely they are asked for."""

    model_config = SettingsConfigDict(frozen=True)

    url: str = Field(default=OFFICIAL, max_length=500, pattern=r"^https?://[\x21-\x7e]+$")
    """The exchange's table: asked with `date=20200101&stockNo=2330&response=…`; see docs/stock.md."""

    response: Literal["json", "html"] = "json"
    """Which of the two forms of its table is asked for."""

    allow: tuple[str, ...] = ()
    """Closed networks that may be reached, as `["127.0.0.0/8"]`; none but the public internet is otherwise."""

    seconds: float = Field(default=3.0, ge=0.05, le=600)
    """Between two requests, of all servers and all processes together."""

    fresh_seconds: float = Field(default=600.0, ge=0, le=86_400)
    """For how long a month that is not over is not asked for again."""

    months: int = Field(default=24, ge=4, le=240)
    """How many months a stock is followed back at most."""

    @field_validator("allow")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        Reach.of(networks)
        return networks

    @property
    def host(self) -> str:
        """Host and port that are asked: what days from there are kept under."""
        url = URL(self.url)
        return f"{url.host}:{url.port}"[:100]

    @property
    def site(self) -> str:
        """The same as people are told it: the port where it is not the usual one."""
        url = URL(self.url)
        return (str(url.host) if url.is_default_port() else self.host)[:100]
