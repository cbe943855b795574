"""Settings of the crawler of illustrations, which is off unless an address and a folder are named."""

from pathlib import Path

from pydantic import Field, field_validator

from plugins.animeface.settings import AnimefaceSettings
from shared.addresses import Reach


class CrawlerSettings(AnimefaceSettings):
    """The settings of training, and those of the crawler."""

    crawl_url: str | None = None
    """The official list endpoint that is asked; the crawler is off while there is none."""

    crawl_folder: Path | None = None
    """Where pictures go; the crawler is off while there is none, and writes nowhere else."""

    crawl_referer: str | None = Field(default=None, max_length=2048, pattern=r"^https?://[\x21-\x7e]+$")
    """What is sent as `Referer` with downloads of pictures, where an endpoint asks for that."""

    crawl_seconds: float = Field(default=2.0, ge=0.1, le=600)
    """Between two requests to one host; its robots.txt may ask for more."""

    crawl_pictures: int = Field(default=200, ge=1, le=100_000)
    """How many pictures one run keeps at most."""

    crawl_allow: tuple[str, ...] = ()
    """Closed networks that may be reached, as `["10.1.0.0/16"]`; none but the public internet is otherwise."""

    @field_validator("crawl_allow")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        Reach.of(networks)
        return networks
