"""Settings of reviews, read under `HEARTH_REVIEWS_`: what may be scraped, which is nothing by default, and how long."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.addresses import Reach


class ReviewsSettings(BaseSettings):
    """What an operator may set. Nothing is scraped while there is no address."""

    model_config = SettingsConfigDict(frozen=True)

    scrape_url: str | None = Field(default=None, max_length=2048, pattern=r"^https?://[\x21-\x7e]+$")
    """What is asked for reviews, with `{place}` and, for the course's endpoint, `{page}` in it; None: nothing is."""

    scrape_shape: Literal["maps", "places"] = "places"
    """How it answers: "places" as the official Places API does, "maps" as the course's endpoint does."""

    scrape_key: SecretStr | None = None
    """The key of the Places API; sent as a header, to the address above alone."""

    places: dict[str, str] = Field(default_factory=dict, max_length=100)
    """The places to follow: a name for people, and the id that the address takes."""

    scrape_seconds: float = Field(default=2.0, ge=0.1, le=600)
    """Between two requests to one host; its robots.txt may ask for more."""

    scrape_pages: int = Field(default=200, ge=1, le=10_000)
    """How many pages one run reads at most; the next goes on from there."""

    scrape_allow: tuple[str, ...] = ()
    """Closed networks that may be reached, as `["10.1.0.0/16"]`; none but the public internet is otherwise."""

    keep_days: int = Field(default=30, ge=1, le=3650)
    """For how many days a review is kept after it was last seen at its source."""

    @field_validator("scrape_url")
    @classmethod
    def _takes_a_place(cls, url: str | None) -> str | None:
        if url is not None and "{place}" not in url:
            raise ValueError("it must hold {place}, where a place's id goes")
        return url

    @field_validator("places")
    @classmethod
    def _named(cls, places: dict[str, str]) -> dict[str, str]:
        for name, place in places.items():
            if not (1 <= len(name) <= 80 and 1 <= len(place) <= 300):
                raise ValueError("a place has a name of 1 to 80 characters, and an id of 1 to 300")
        if len({name.casefold() for name in places}) < len(places):
            raise ValueError("two places have the same name")
        return places

    @field_validator("scrape_allow")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        Reach.of(networks)
        return networks
