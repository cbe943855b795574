"""A killed bot is started again at once, and one that is killed again and again ever later."""

from aiohttp import ClientSession

from bot.sandbox.restarts import LONGEST_SECONDS, SOUND_SECONDS, Restarts
from bot.sandbox.server import Sandbox


def test_the_first_restart_is_at_once_and_those_of_short_lives_come_ever_later() -> None:
    restarts = Restarts()
    assert [restarts.pause(0.1) for _ in range(8)] == [0, 1, 2, 4, 8, 16, LONGEST_SECONDS, LONGEST_SECONDS]


def test_the_pause_never_grows_beyond_the_longest_however_often_it_dies() -> None:
    restarts = Restarts()
    assert max(restarts.pause(0.0) for _ in range(5000)) == LONGEST_SECONDS


def test_a_bot_that_was_up_for_long_is_started_again_at_once() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.pause(0.1)
    assert [restarts.pause(SOUND_SECONDS), restarts.pause(0.1)] == [0, 1]


async def test_the_page_is_told_when_the_bot_is_started_again_until_it_is_up(sandbox: Sandbox) -> None:
    protocols = ("hearth-sandbox", sandbox.token)
    async with ClientSession(sandbox.page_base) as http:
        async with http.ws_connect("/page/events", protocols=protocols) as early:
            assert (await early.receive_json(timeout=5))["d"] == {"bot_online": False, "again_in": 0.0}
            sandbox.feed.starts_again(4.0)
            # The gateway notices that the bot has gone, and changes nothing of it.
            sandbox.feed.status(False)
            told = [(await early.receive_json(timeout=5))["d"] for _ in range(2)]
            assert told == [{"online": False, "again_in": 4.0}] * 2
        async with http.ws_connect("/page/events", protocols=protocols) as late:
            assert (await late.receive_json(timeout=5))["d"] == {"bot_online": False, "again_in": 4.0}
            sandbox.feed.status(True)
            assert (await late.receive_json(timeout=5))["d"] == {"online": True, "again_in": 0.0}
