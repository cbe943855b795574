"""Pages are fetched from a web on loopback, politely and within bounds; what leads inside is never connected to."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
import trustme
from aiohttp import web as server

from shared.addresses import Reach
from shared.errors import BadInput, Busy, HearthError, Refusal
from shared.fetch import AT_ONCE, AT_ONCE_FROM_A_HOST, WAITING, Fetcher, user_agent
from tests.kit.web import CANARY_HOST, ENGLISH, HOST, Web


@pytest_asyncio.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as running:
        yield running


@pytest_asyncio.fixture
async def fetcher(web: Web) -> AsyncIterator[Fetcher]:
    async with Fetcher(reach=web.reach) as running:
        yield running


class Names:
    """Answers name lookups: each time the next answer, the last for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), list[str]()

    async def __call__(self, name: str, port: int) -> list[str]:
        self.asked.append(name)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def refused(fetcher: Fetcher, address: str) -> str:
    with pytest.raises(Refusal) as error:
        await fetcher.fetch(address)
    return str(error.value)


async def test_a_page_comes_with_its_address_and_what_the_server_says_of_it(
    web: Web, fetcher: Fetcher
) -> None:
    fetched = await fetcher.fetch(web.url("/big5#top"))
    assert fetched.url == web.url("/big5")
    assert (fetched.media_type, fetched.charset) == ("text/html", "big5")
    assert "港務局".encode("big5") in fetched.data


async def test_a_compressed_page_is_unfolded(web: Web, fetcher: Fetcher) -> None:
    assert ENGLISH[0].encode() in (await fetcher.fetch(web.url("/gzip"))).data


async def test_servers_see_one_polite_name_and_never_a_cookie(web: Web, fetcher: Fetcher) -> None:
    for _ in range(2):
        await fetcher.fetch(web.url("/cookie"))
    assert web.agents == {user_agent()}
    assert user_agent().startswith("HearthBot/")
    assert web.cookies == []


async def test_no_proxy_and_no_password_is_taken_from_the_environment(
    web: Web, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{CANARY_HOST}:{web.port}")
    await fetcher.fetch(web.url("/article"))
    assert web.canary == []


async def test_redirects_are_followed_to_the_page_and_its_own_address_told(
    web: Web, fetcher: Fetcher
) -> None:
    assert (await fetcher.fetch(web.url("/chain/5"))).url == web.url("/chain/0")
    assert "redirects too often" in await refused(fetcher, web.url("/chain/6"))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/status/401", "may need a subscription"),
        ("/status/402", "may need a subscription"),
        ("/status/403", "may need a subscription"),
        ("/status/451", "may need a subscription"),
        ("/status/404", "has no such page"),
        ("/status/410", "has no such page"),
        ("/status/429", "asked too often"),
        ("/status/500", "trouble of its own (error 500)"),
        ("/status/503", "trouble of its own (error 503)"),
        ("/status/204", "answer 204"),
        ("/status/304", "answer 304"),
        ("/kind?type=image/png", "a file of the kind image/png"),
        ("/kind?type=application/zip", "a file of the kind application/zip"),
        ("/endless", "larger than 5 MiB"),
        ("/bomb", "larger than 5 MiB"),
        ("/broken", "cannot be read"),
        ("/bomb?encoding=br", "cannot be read"),
        ("/bomb?encoding=gzip,gzip", "cannot be read"),
        ("/private/article", "asks programs not to read"),
    ],
)
async def test_what_is_the_matter_with_a_page_is_said(
    web: Web, fetcher: Fetcher, path: str, says: str
) -> None:
    assert says in await refused(fetcher, web.url(path))


async def test_a_slow_server_has_its_time_and_no_more(web: Web) -> None:
    async with Fetcher(reach=web.reach, seconds=0.6) as fetcher:
        assert "within 0.6 s" in await refused(fetcher, web.url("/drip"))
        # The place that it took is free again.
        assert (await fetcher.fetch(web.url("/article"))).data


@pytest.mark.parametrize(
    "where",
    [
        "http://{canary}/", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://[::1]:{port}/",
        "//{canary}/", "http://2130706434:{port}/", "http://[::ffff:127.0.0.2]:{port}/", "http://0:{port}/",
        "http://inside.example.org:{port}/", "file:///etc/passwd", "http://user:pass@{host}/", "gopher://{canary}/",
    ],
)  # fmt: skip
async def test_no_redirect_leads_inside(web: Web, where: str) -> None:
    names = Names([CANARY_HOST])
    target = where.format(canary=f"{CANARY_HOST}:{web.port}", host=f"{HOST}:{web.port}", port=web.port)
    async with Fetcher(reach=web.reach, lookup=names) as fetcher:
        assert "fetched" in await refused(fetcher, web.url(f"/to?where={target}"))
    assert web.canary == []


@pytest.mark.parametrize(
    "answer",
    [
        [CANARY_HOST],
        [HOST, CANARY_HOST],
        ["8.8.8.8", "10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.2"],
        ["64:ff9b::7f00:2"],
        ["fe80::1%lo"],
        ["printer"],
    ],
)
async def test_a_public_name_with_an_address_inside_is_refused(web: Web, answer: list[str]) -> None:
    async with Fetcher(reach=web.reach, lookup=Names(answer)) as fetcher:
        assert "does not lead to a public page" in await refused(fetcher, web.url("/x", "news.example.org"))
    assert web.canary == []


async def test_a_name_that_turns_to_an_address_inside_is_refused_the_second_time(web: Web) -> None:
    names = Names([HOST], [CANARY_HOST])
    async with Fetcher(reach=web.reach, lookup=names) as fetcher:
        assert "does not lead to a public page" in await refused(fetcher, web.url("/x", "news.example.org"))
    # Its robots.txt came from the first.
    assert web.hits["/robots.txt"] == 1
    assert names.asked == ["news.example.org"] * 2
    assert web.canary == []


async def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to(web: Web) -> None:
    names = Names([HOST])
    async with Fetcher(reach=web.reach, lookup=names) as fetcher:
        fetched = await fetcher.fetch(web.url("/article", "news.example.org"))
    assert fetched.url == web.url("/article", "news.example.org")
    # Once for robots.txt, once for the page: nobody else looked it up.
    assert names.asked == ["news.example.org"] * 2


async def test_even_a_connector_without_its_guard_opens_no_socket_to_an_address_inside(web: Web) -> None:
    async with Fetcher(reach=web.reach) as fetcher:
        session = fetcher._session
        with pytest.raises((HearthError, aiohttp.ClientError), match="fetched"):
            await session.get(f"http://{CANARY_HOST}:{web.port}/")
    assert web.canary == []


async def test_without_the_setting_nothing_on_loopback_is_reached(web: Web) -> None:
    async with Fetcher() as fetcher:
        for host in (HOST, "localhost", "[::1]"):
            assert "does not lead to a public page" in await refused(fetcher, web.url("/article", host))
    assert not web.hits


async def test_a_name_that_does_not_exist_is_said_to_be_not_found(web: Web) -> None:
    async def nowhere(name: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with Fetcher(lookup=nowhere) as fetcher:
        assert await refused(fetcher, "https://news.example.org/") == (
            "news.example.org cannot be found. Is the address right?"
        )


async def test_a_closed_port_and_a_server_that_hangs_up_are_told_apart(web: Web, fetcher: Fetcher) -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        closed = unused.getsockname()[1]
    assert "cannot be reached" in await refused(fetcher, f"http://{HOST}:{closed}/")

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listening = await asyncio.start_server(hang_up, HOST, 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        assert "broke off" in await refused(fetcher, f"http://{HOST}:{port}/")


async def test_a_page_that_is_cut_short_and_headers_without_end_are_refused(fetcher: Fetcher) -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n<p>only this",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"what is this\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=\x00\r\nContent-Length: 0\r\n\r\n",
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        robots = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        # What we send to may be gone already: it has refused the rest.
        with contextlib.suppress(ConnectionError):
            writer.write(robots if b"/robots.txt" in request else answers[int(request.split()[1][1:])])
            await writer.drain()
            writer.close()

    listening = await asyncio.start_server(answer, HOST, 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        for number in range(len(answers)):
            assert await refused(fetcher, f"http://{HOST}:{port}/{number}")


async def test_a_certificate_that_nobody_vouches_for_is_refused(web: Web) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("news.example.org").configure_cert(context)
    app = server.Application()
    runner = server.AppRunner(app)
    await runner.setup()
    site = server.TCPSite(runner, HOST, 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with Fetcher(reach=web.reach, lookup=Names([HOST])) as fetcher:
            said = await refused(fetcher, f"https://news.example.org:{port}/")
    finally:
        await runner.cleanup()
    assert "its certificate is not valid" in said


async def test_one_host_is_asked_a_few_pages_at_once_however_many_ask(web: Web, fetcher: Fetcher) -> None:
    pages = await asyncio.gather(*(fetcher.fetch(web.url(f"/slow?{n}")) for n in range(5)))
    assert len(pages) == 5
    assert web.most_at_once <= AT_ONCE_FROM_A_HOST
    # They came together, and one of them asked for the rules.
    assert web.hits["/robots.txt"] == 1


async def test_who_would_wait_behind_too_many_is_told_at_once() -> None:
    never = asyncio.Event()

    async def waits(name: str, port: int) -> list[str]:
        await never.wait()
        return []

    async with Fetcher(lookup=waits, seconds=30) as fetcher:
        waiting = [
            asyncio.create_task(fetcher.fetch(f"http://news{n}.example.org/"))
            for n in range(AT_ONCE + WAITING)
        ]
        await asyncio.sleep(0.1)
        with pytest.raises(Busy):
            await fetcher.fetch("http://news.example.org/")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        # All places are free again.
        assert fetcher._waiting == 0
        assert not fetcher._places.locked()


async def test_a_fetch_that_is_cancelled_leaves_no_place_taken(web: Web) -> None:
    async with Fetcher(reach=web.reach) as fetcher:
        tasks = [asyncio.create_task(fetcher.fetch(web.url("/drip"))) for _ in range(AT_ONCE)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (await fetcher.fetch(web.url("/article"))).data


def test_networks_that_are_none_are_refused_in_the_settings() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        Reach.of(["10.0.0.1/8"])


async def test_an_address_is_refused_before_anything_is_sent(web: Web, fetcher: Fetcher) -> None:
    with pytest.raises(BadInput):
        await fetcher.fetch(f"http://user:secret@{HOST}:{web.port}/article")
    assert not web.hits
