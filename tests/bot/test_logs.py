"""What is logged holds no secret, however it got there, and nobody's text can forge a line or steer a terminal."""

import json
import subprocess
import sys
from typing import Final

import pytest

GIVEN: Final = "correct-horse-battery"
BOT_TOKEN: Final = "MTIzNDU2Nzg5MDEyMzQ1Njc4." + "GaBcDe." + "x" * 38
INTERACTION_TOKEN: Final = "aW50ZXJhY3Rpb246" + "A1b2" * 20
PASSWORD: Final = "s3cr3t!p@ss"
SIGNATURE: Final = "d41d8cd98f00b204e9800998ecf8427e"
PLANTS: Final = {
    "the given secret": (GIVEN, f"value is {GIVEN}"),
    "a bot token": (BOT_TOKEN, f"login with {BOT_TOKEN} failed"),
    "a header": ("Zm9vYmFyYmF6", "Authorization: Bot Zm9vYmFyYmF6"),
    "a header in JSON": ("Zm9vYmFyYmF6", '{"authorization": "Bearer Zm9vYmFyYmF6"}'),
    "a header as bytes": ("Zm9vYmFyYmF6", "((b'Authorization', b'Bot Zm9vYmFyYmF6'),)"),
    "a webhook": (INTERACTION_TOKEN, f"POST https://discord.com/api/v10/webhooks/123456/{INTERACTION_TOKEN}"),
    "a callback": (INTERACTION_TOKEN, f"/interactions/123456/{INTERACTION_TOKEN}/callback"),
    "a database's password": (PASSWORD, f"postgresql+asyncpg://hearth:{PASSWORD}@db:5432/hearth is away"),
    "a password without a name": (PASSWORD, f"redis://:{PASSWORD}@cache"),
    "an attachment's link": (SIGNATURE, f"https://cdn.example/a.png?ex=66aa&is=55bb&hm={SIGNATURE}&"),
    "a signed link": (SIGNATURE, f"https://files.example/a?Signature={SIGNATURE}"),
}
WAYS: Final = {
    "the event": "log.info(text)",
    "a value": "log.info('seen', value=text)",
    "a nested value": "log.info('seen', value={'deep': [{'er': (text,)}]})",
    "a key": "log.info('seen', value={text: 1})",
    "an object": "log.info('seen', value=Holder(text))",
    "an exception": "fail(log)",
    "a bound value": "structlog.get_logger('hearth.test').bind(value=text).info('seen')",
    "the standard library": "logging.getLogger('other').warning('seen %s', text)",
    "the standard library's traceback": "fail(logging.getLogger('other'))",
    "the standard library's extras": "logging.getLogger('other').warning('seen', extra={'value': text})",
    "an uncaught exception": "raise RuntimeError(text)",
}
QUOTES: Final = {ord("'"): None}
PREAMBLE: Final = """
import json, logging, sys, structlog
from shared import logs

class Holder:
    def __init__(self, text): self.text = text
    def __repr__(self): return f"Holder({self.text!r})"

def fail(log):
    try:
        try:
            raise ValueError(text)
        except ValueError as error:
            error.add_note(text)
            raise RuntimeError("outer " + text) from error
    except RuntimeError:
        log.exception("failed")

style, secret, text = json.load(sys.stdin)
logs.configure("info", style, [secret])
log = structlog.get_logger("hearth.test")
"""


def logged(code: str, text: str, style: str = "json") -> str:
    command = [sys.executable, "-c", PREAMBLE + code]
    given = json.dumps([style, GIVEN, text])
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    assert not done.stdout
    assert done.stderr.strip(), "nothing was logged"
    return done.stderr


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_way_into_the_log_lets_a_secret_through(style: str) -> None:
    everything = "\n".join(text for _, text in PLANTS.values())
    # An exception that nobody catches ends the process, so it is the last.
    marked = "\n".join(
        f"sys.stderr.write('@@{way.translate(QUOTES)}\\n'); {code}" for way, code in WAYS.items()
    )
    blocks = logged(marked, everything, style).split("@@")[1:]
    assert len(blocks) == len(WAYS)
    for block in blocks:
        way, _, written = block.partition("\n")
        leaked = [name for name, (secret, _) in PLANTS.items() if secret in written]
        assert (way, leaked) == (way, [])
        assert written.count("[redacted]") >= len(PLANTS), way


def test_each_secret_is_masked_where_it_stands_alone() -> None:
    text = "\n".join(text for _, text in PLANTS.values())
    lines = logged("for line in text.splitlines(): log.info('seen', value=line)", text).splitlines()
    for (name, (secret, _)), line in zip(PLANTS.items(), lines, strict=True):
        value = json.loads(line)["value"]
        assert secret not in value, name
        assert "[redacted]" in value, name


def test_what_is_no_secret_stays() -> None:
    text = (
        "GET https://cdn.example/files/report.v1.pdf?size=64 at 12:30:05, user@example.org, shared/logs.py:12, "
        "postgresql://localhost:5432/hearth, /interactions/123456, /webhooks/1, a-b_c.d-e_f.g"
    )
    assert json.loads(logged("log.info('seen', value=text)", text))["value"] == text


def test_a_value_with_a_secrets_name_is_masked_whatever_it_is() -> None:
    written = logged(
        "log.info('seen', token=text, password=text, headers={'Authorization': text, 'Cookie': text})",
        "plain",
    )
    assert written.count("[redacted]") == 4
    assert "plain" not in written


def test_the_hosts_of_database_addresses_remain() -> None:
    _, text = PLANTS["a database's password"]
    assert "hearth:[redacted]@db:5432/hearth" in logged("log.info(text)", text)


def test_a_text_cannot_forge_a_line_or_steer_the_terminal() -> None:
    code = "log.info(text); log.info('seen', value=text); log.info('seen', value=[text])"
    forged = "fine\n2026-01-01T00:00:00Z [info] all is well\x1b[2J\x9b2J\x00\r\u2028"
    written = logged(code, forged, "console")
    lines = written.removesuffix("\n").split("\n")
    assert len(lines) == 3
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u2028" for line in lines for c in line)


def test_a_traceback_keeps_its_lines_and_loses_control_characters() -> None:
    written = logged("fail(log)", "fine\x1b[2J", "console")
    assert "Traceback" in written
    assert written.count("\n") > 5
    assert "\x1b" not in written


def test_each_line_is_json_with_time_level_and_logger() -> None:
    code = "log.info('first', n=1)\nlogging.getLogger('other').error('second')\nfail(log)"
    lines = [json.loads(line) for line in logged(code, "reason").splitlines()]
    assert [line["event"] for line in lines] == ["first", "second", "failed"]
    assert [line["level"] for line in lines] == ["info", "error", "error"]
    assert [line["logger"] for line in lines] == ["hearth.test", "other", "hearth.test"]
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert lines[0]["n"] == 1
    assert "RuntimeError: outer reason" in lines[2]["exception"]


def test_an_object_that_cannot_be_shown_does_not_cost_the_line() -> None:
    code = "class Bad:\n    def __repr__(self): raise ValueError\nlog.info('seen', value=Bad())"
    assert "whose repr raised ValueError" in logged(code, "-")


def test_everyday_lines_of_libraries_are_left_out_and_their_warnings_kept() -> None:
    code = "logging.getLogger('discord.http').info('POST …')\nlogging.getLogger('discord').warning('slow')"
    assert [json.loads(line)["event"] for line in logged(code, "-").splitlines()] == ["slow"]
