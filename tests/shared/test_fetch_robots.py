"""Sites say in robots.txt what programs may read, and are believed."""

import asyncio

import pytest
from yarl import URL

from shared.errors import Refusal
from shared.fetch import Fetcher
from shared.robots import KEPT_SECONDS, KEPT_SITES, KEPT_TROUBLE_SECONDS, LARGEST, Robots
from tests.kit.web import Web


class Site:
    """Answers for robots.txt of every site, and counts how often it is asked."""

    def __init__(self, text: str = "", status: int = 200) -> None:
        self.text, self.status, self.asked = text, status, list[str]()

    async def __call__(self, url: URL) -> tuple[int, bytes]:
        self.asked.append(str(url))
        await asyncio.sleep(0)
        return self.status, self.text.encode()


def robots(site: Site, now: list[float] | None = None) -> Robots:
    times = now if now is not None else [0.0]
    return Robots(site, "HearthBot", clock=lambda: times[0])


async def allowed(site: Site, path: str) -> bool:
    try:
        await robots(site).check(URL("https://example.org") / path)
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "path", "may"),
    [
        ("", "a", True),
        ("User-agent: *\nDisallow: /", "a", False),
        ("User-agent: *\nDisallow:", "a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "a/b", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "a/c", False),
        ("User-agent: hearthbot\nDisallow: /a\n\nUser-agent: *\nDisallow: /b", "b", True),
        ("User-agent: HearthBot/2.0\nDisallow: /a\n\nUser-agent: *\nDisallow:", "a", False),
        ("User-agent: another\nUser-agent: HearthBot\nDisallow: /a", "a", False),
        ("User-agent: another\nDisallow: /", "a", True),
        ("User-agent: *\nDisallow: /*.pdf$", "x/y.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "x/y.pdf.html", True),
        ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", "a", False),
        ("<html>no robots here</html>", "a", True),
        ("\x00\xff\n:::\nDisallow", "a", True),
    ],
)
async def test_rules_are_read_as_the_standard_has_them(text: str, path: str, may: bool) -> None:
    assert await allowed(Site(text), path) is may


@pytest.mark.parametrize(
    ("status", "may"),
    [(200, True), (301, True), (401, True), (404, True), (410, True), (500, False), (503, False)],
)
async def test_a_site_without_rules_may_be_read_and_one_in_trouble_may_not(status: int, may: bool) -> None:
    assert await allowed(Site(status=status), "a") is may


async def test_rules_are_kept_for_a_while_and_trouble_for_a_moment() -> None:
    now, site = [0.0], Site()
    asking = robots(site, now)
    page = URL("https://example.org/a")
    for now[0] in (0.0, KEPT_SECONDS - 1, KEPT_SECONDS + 1):
        await asking.check(page)
    assert len(site.asked) == 2
    site.status, later = 500, 3 * KEPT_SECONDS
    for now[0] in (later, later + KEPT_TROUBLE_SECONDS - 1):
        with pytest.raises(Refusal, match="does not say now"):
            await asking.check(page)
    assert len(site.asked) == 3
    site.status = 200
    now[0] = later + KEPT_TROUBLE_SECONDS + 1
    await asking.check(page)


async def test_each_scheme_and_port_has_rules_of_its_own() -> None:
    site = Site()
    asking = robots(site)
    for origin in (
        "https://example.org",
        "http://example.org",
        "http://example.org:8080",
        "https://example.org",
    ):
        await asking.check(URL(origin) / "a")
    assert site.asked == [
        "https://example.org/robots.txt",
        "http://example.org/robots.txt",
        "http://example.org:8080/robots.txt",
    ]


async def test_many_at_once_ask_a_site_once() -> None:
    site = Site()
    asking = robots(site)
    await asyncio.gather(*(asking.check(URL(f"https://example.org/{n}")) for n in range(50)))
    assert len(site.asked) == 1


async def test_the_rules_of_only_so_many_sites_are_kept() -> None:
    asking = robots(Site())
    for number in range(KEPT_SITES + 20):
        await asking.check(URL(f"https://site{number}.example.org/"))
    assert len(asking._kept) == KEPT_SITES
    assert not asking._locks


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("Crawl-delay: 2", 2),
        ("Crawl-delay: 86400", 5),
        ("Crawl-delay: -1", 0),
        ("Crawl-delay: soon", 0),
    ],
)
async def test_a_site_may_ask_for_patience_within_reason(text: str, seconds: float) -> None:
    site = Site(f"User-agent: *\n{text}\n")
    assert await robots(site).check(URL("https://example.org/a")) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: a{n}\n" for n in range(20_000)) + "Disallow: /a\n" * 15_000,
        "User-agent: *\nDisallow: /" + "*a" * 200_000 + "\n",
        "User-agent: *\n" + "".join(f"Disallow: /*{n}*x$\n" for n in range(20_000)),
        "User-agent: *\n" + "Allow: /" + "$" * 400_000,
        "\n" * LARGEST,
        ":" * LARGEST,
    ],
    ids=["agents and rules", "stars", "patterns", "dollars", "lines", "colons"],
)
async def test_a_hostile_file_is_read_in_the_end(text: str) -> None:
    # As a square of their number, rules and programs would take minutes and all the memory.
    async with asyncio.timeout(60):
        assert await allowed(Site(text[:LARGEST]), "robots") in (True, False)
        assert await allowed(Site(text[:LARGEST]), "a" * 2000) in (True, False)


async def test_a_file_of_rules_is_read_to_its_bound_and_not_further() -> None:
    async with Web() as running, Fetcher(reach=running.reach) as fetcher:
        running.robots = "User-agent: *\nDisallow: /article\n" + "#" * 2 * LARGEST
        with pytest.raises(Refusal, match=r"robots\.txt"):
            await fetcher.fetch(running.url("/article"))
        assert running.hits["/article"] == 0


async def test_a_site_whose_rules_fail_is_not_read() -> None:
    async with Web() as running, Fetcher(reach=running.reach) as fetcher:
        running.robots = 503
        with pytest.raises(Refusal, match="does not say now"):
            await fetcher.fetch(running.url("/article"))
        assert running.hits["/article"] == 0
