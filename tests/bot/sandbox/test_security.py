"""What may not reach the sandbox, and what may not come out of it."""

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.sandbox.server import Sandbox, SandboxRefused
from tests.bot.sandbox.raw import Api, Socket
from tests.kit.answer import Refused
from tests.kit.person import File, Person

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PATHS = ["/page/state", "/page/events", "/page/dms", "/page/interactions", "/page/channels/1/messages"]


async def fetch(url: str, **more: Any) -> tuple[int, bytes, dict[str, str]]:
    async with aiohttp.ClientSession() as http, http.get(url, **more) as response:
        return response.status, await response.read(), dict(response.headers)


@pytest.mark.parametrize("name", ["DISCORD_TOKEN", "HEARTH_TOKEN"])
async def test_it_does_not_start_beside_a_real_token(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "secret-value")
    with pytest.raises(SandboxRefused, match=f"Unset {name} first") as refusal:
        Sandbox()
    assert "secret-value" not in str(refusal.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", "::"])
async def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(SandboxRefused, match="loopback"):
        Sandbox(host=host)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "localhost.evil.example"])
async def test_a_foreign_host_name_is_refused(sandbox: Sandbox, host: str) -> None:
    for path in ("/", "/page/state", "/api/v10/gateway"):
        headers = {"Host": host, "X-Sandbox-Token": sandbox.token}
        assert (await fetch(sandbox.page_base + path, headers=headers))[0] == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_origin_is_refused(sandbox: Sandbox, origin: str) -> None:
    headers = {"Origin": origin, "X-Sandbox-Token": sandbox.token}
    for path in PATHS:
        assert (await fetch(sandbox.page_base + path, headers=headers))[0] == 403
    own = {**headers, "Origin": sandbox.page_base}
    assert (await fetch(f"{sandbox.page_base}/page/state", headers=own))[0] == 200


@pytest.mark.parametrize("token", [None, "", "wrong"])
async def test_the_page_api_needs_its_token(sandbox: Sandbox, token: str | None) -> None:
    headers = {} if token is None else {"X-Sandbox-Token": token}
    async with aiohttp.ClientSession(sandbox.page_base, headers=headers) as http:
        calls = [
            ("GET", "/page/state"),
            ("POST", "/page/dms"),
            ("POST", "/page/interactions"),
            ("GET", "/page/channels/1/messages"),
            ("POST", "/page/channels/1/messages"),
            ("PATCH", "/page/channels/1/messages/2"),
            ("DELETE", "/page/channels/1/messages/2"),
            ("PUT", "/page/channels/1/messages/2/reactions/x"),
        ]
        for method, path in calls:
            async with http.request(method, path) as response:
                assert response.status == 403, path
        socket = await http.ws_connect("/page/events", protocols=("hearth-sandbox", "wrong"))
        await socket.receive(timeout=5)
        assert socket.close_code == 4004
        socket = await http.ws_connect("/page/events")
        await socket.send_json({"token": "wrong"})
        await socket.receive(timeout=5)
        assert socket.close_code == 4004


async def test_the_feed_takes_the_token_in_its_first_message(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession(sandbox.page_base) as http, http.ws_connect("/page/events") as socket:
        await socket.send_json({"token": sandbox.token})
        assert (await socket.receive_json(timeout=5))["t"] == "hello"


@pytest.mark.parametrize("authorization", ["", "Bot wrong", "Bearer x"])
async def test_the_http_api_needs_the_bots_token(sandbox: Sandbox, authorization: str) -> None:
    async with Api(sandbox, authorization) as api:
        for path in ("/users/@me", "/gateway/bot", "/channels/1/messages"):
            status, body, _ = await api.call("GET", path)
            assert (status, body) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_tokens_are_new_each_time(sandbox: Sandbox) -> None:
    async with Sandbox() as another:
        assert another.bot_token != sandbox.bot_token
        assert another.token != sandbox.token


async def test_another_applications_commands_are_out_of_reach(sandbox: Sandbox) -> None:
    async with Api(sandbox) as api:
        assert (await api.call("GET", "/applications/1/commands"))[1]["code"] == 20012


async def test_a_link_to_a_file_is_signed_and_expires() -> None:
    async with Sandbox(link_seconds=1) as sandbox, Person.of(sandbox, "member-1") as person:
        said = await person.say("file", files=[File("a.txt", b"alpha")])
        url = said.attachments[0]["url"]
        assert (await fetch(url))[:2] == (200, b"alpha")
        forged = [
            url[:-1] + ("0" if url[-1] != "0" else "1"),
            url.replace("?ex=", "?ex=f"),
            url.split("?")[0],
            url.replace("?ex=", "?ex=zz"),
            url.replace(said.channel_id, "1"),
        ]
        for each in forged:
            assert (await fetch(each))[0] == 404
        # Whole seconds are signed, so that two pass at most.
        await asyncio.sleep(1.1)
        assert (await fetch(url))[0] == 404
        afresh = (await person.history())[-1].attachments[0]["url"]
        assert (await fetch(afresh))[0] == 200


@pytest.mark.parametrize("name", ["x.svg", "x.html", "x.xhtml", "x.js", "x.pdf", "x", "x.html.", "x.SVG"])
async def test_what_could_run_comes_as_a_download(sandbox: Sandbox, name: str) -> None:
    async with Person.of(sandbox, "member-1") as person:
        said = await person.say(files=[File(name, SVG)])
        status, data, headers = await fetch(said.attachments[0]["url"])
    assert (status, data) == (200, SVG)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


async def test_a_picture_is_shown_in_place_but_never_sniffed(sandbox: Sandbox) -> None:
    async with Person.of(sandbox, "member-1") as person:
        said = await person.say(files=[File("x.png", SVG)])
        _, _, headers = await fetch(said.attachments[0]["url"])
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"].startswith("inline;")
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        'a";x="b.txt',
        "a\r\nSet-Cookie: x.txt",
        ".hidden",
        "貓.txt",
        "",
    ],
)
async def test_file_names_are_made_harmless(sandbox: Sandbox, name: str) -> None:
    async with aiohttp.ClientSession(sandbox.page_base, headers={"X-Sandbox-Token": sandbox.token}) as http:
        async with http.get("/page/state") as response:
            state = await response.json()
        boundary = "b0undary"
        disposition = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        payload = f'{{"as":"{state["users"][0]["id"]}","content":"x"}}'
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="payload_json"\r\n\r\n{payload}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="files[0]"; filename="{disposition}"\r\n\r\ndata\r\n'
            f"--{boundary}--\r\n"
        )
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        path = f"/page/channels/{state['channels'][0]['id']}/messages"
        async with http.post(path, data=body.encode(), headers=headers) as response:
            said = await response.json()
    kept = said["attachments"][0]["filename"]
    assert kept
    assert not set(kept) & set('/\\";\r\n ')
    assert not kept.startswith(".")
    assert (await fetch(said["attachments"][0]["url"]))[:2] == (200, b"data")


async def test_the_page_is_served_with_a_strict_policy(tmp_path: Any) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Chat</title>")
    (folder / "chat.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    async with Sandbox(page_folder=folder) as sandbox:
        status, body, headers = await fetch(f"{sandbox.page_base}/")
        assert (status, b"Chat" in body) == (200, True)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Hearth-Sandbox"] == "1"
        assert (await fetch(f"{sandbox.page_base}/page/static/chat.js"))[2]["Content-Type"].startswith(
            "text/javascript"
        )
        for path in (
            "../secret.txt",
            "%2e%2e/secret.txt",
            "..%2fsecret.txt",
            "%2e%2e%2fsecret.txt",
            "none.js",
        ):
            assert (await fetch(f"{sandbox.page_base}/page/static/{path}"))[0] == 404


async def test_other_peoples_whispers_cannot_be_touched(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket, Person.of(sandbox, "member-1") as person, Api(sandbox) as api:
        await socket.identify()
        application = (await api.call("GET", "/users/@me"))[1]["id"]
        body = {"name": "hush", "description": "hush"}
        await api.call("POST", f"/applications/{application}/commands", json=body)
        await person.waits_for_command("hush")
        asking = asyncio.create_task(person.slash("hush"))
        sent = (await socket.next("INTERACTION_CREATE"))["d"]
        data = {"type": 4, "data": {"content": "for you", "flags": 64}}
        await api.call("POST", f"/interactions/{sent['id']}/{sent['token']}/callback", json=data)
        whisper = (await asking).message
        async with Person.of(sandbox, "member-2") as other:
            for call in (
                other.delete(whisper),
                other.react(whisper, "👍"),
                other.say("re", reply_to=whisper),
            ):
                with pytest.raises(Refused, match=r"gone|Unknown"):
                    await call
        await person.delete(whisper)
