"""Takes secrets out of whatever is shown: the log, the command line, chat, notes in the database, health.

A secret is known by where it stands in the environment (a variable named TOKEN, KEY, PASSWORD and the like, the
password of an address), or by how it looks (a bot token, a webhook, a header). Imports little: workers have it too.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, quote_plus, unquote

MASK: Final = "[redacted]"
SHORTEST_SECRET: Final = 6
"""A shorter one would tear holes into ordinary words."""
SHORTEST_FOUND: Final = 8
"""The same of values that are taken for secrets by the names of their variables alone."""
DOTENV: Final = Path(".env")
LARGEST_FILE: Final = 64 * 1024
BOT_ALONE: Final = frozenset(
    {
        "HEARTH_TOKEN", "DISCORD_TOKEN", "HEARTH_TOKEN_FILE", "HEARTH_SANDBOX_TOKEN", "HEARTH_SECRET_KEY",
        "HEARTH_DATABASE_URL", "POSTGRES_PASSWORD",
    }
)  # fmt: skip
"""Variables that a worker has no use for: what breaks out of a model, or of a parser of files, finds none of them."""

_NAMED: Final = frozenset(
    {
        "TOKEN", "TOKENS", "SECRET", "SECRETS", "KEY", "APIKEY", "PASSWORD", "PASSWD", "PWD", "PASSPHRASE",
        "CREDENTIAL", "CREDENTIALS", "COOKIE", "WEBHOOK", "DSN",
    }
)  # fmt: skip
# "a=b,c=d" as OpenTelemetry has headers.
_HEADERS: Final = "HEADERS"
# A folder, not a password.
_NO_SECRETS: Final = frozenset({"PWD", "OLDPWD"})
_PASSWORD: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:([^/\s]+)@", re.IGNORECASE)
_ASSIGNED: Final = re.compile(r"""^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$""")
_PATTERNS: Final = (
    # A bot token: base64 of the id, a time, a signature.
    (re.compile(r"[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}"), MASK),
    # As "Authorization: Bot …", as JSON, and as the pair of bytes that aiohttp shows.
    (
        re.compile(
            r"(?i)(authorization[\\'\"]*\s*[:=,]\s*(?:b?[\\'\"]+)?(?:(?:bot|bearer|basic)\s+)?)[^\s'\",}]+"
        ),
        rf"\1{MASK}",
    ),
    # Tokens of webhooks and interactions stand in the path, passwords before the host.
    (re.compile(r"(/(?:webhooks|interactions)/\d+/)[A-Za-z0-9_.~%-]{16,}"), rf"\1{MASK}"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s]+@"), rf"\1{MASK}@"),
    # What makes an attachment's address valid, and what others put into theirs.
    (
        re.compile(
            r"(?i)([?&](?:ex|is|hm|sig|signature|token|access_token|api_key|apikey|key|password)=)[^&\s'\"]+"
        ),
        rf"\1{MASK}",
    ),
)
_SECRET_NAMES: Final = frozenset({"token", "authorization", "password", "secret", "api_key", "cookie"})
Event = MutableMapping[str, Any]


class Redactor:
    """Takes secrets out of texts and log events: the given ones, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        long = {s for s in secrets if len(s) >= SHORTEST_SECRET}
        forms = {form for secret in long for form in _forms(secret)}
        self._secrets = sorted(forms, key=len, reverse=True)

    @classmethod
    def here(cls) -> Self:
        """Return one that knows the secrets of this process's environment as it is now."""
        return cls(secrets_around(os.environ))

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        """Clean every value of an event."""
        for name, value in event.items():
            # structlog's own, which is taken away before anything is written.
            if not name.startswith("_"):
                event[name] = self._field(name, value)
        return event

    def text(self, text: str) -> str:
        """Clean a text."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text

    def clean(self, value: Any) -> Any:
        """Clean strings wherever they stand in a value; other objects by their representation."""
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {self.clean(k): self._field(k, v) for k, v in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.clean(v) for v in value]
        return self.text(value if isinstance(value, str) else _shown(value))

    def _field(self, name: object, value: Any) -> Any:
        if isinstance(name, str) and name.lower() in _SECRET_NAMES and value is not None:
            return MASK
        return self.clean(value)


def secrets_around(environment: Mapping[str, str], dotenv: Path = DOTENV) -> frozenset[str]:
    """Return what is secret among the variables of `environment`, in the file `dotenv`, and in files they name."""
    everywhere = [*environment.items(), *_of_dotenv(dotenv)]
    found: set[str] = set()
    for name, value in everywhere:
        found.update(_secret_in(name.upper(), value))
        match name.upper():
            case "HEARTH_TOKEN_FILE":
                found.add(_of_file(Path(value)).strip())
            case "HEARTH_DATA_DIR":
                found.add(_of_file(Path(value) / "secret.key").strip())
    return frozenset(each for each in found if len(each) >= SHORTEST_FOUND)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of the environment a worker is given: all but what the bot alone needs."""
    return {name: value for name, value in environment.items() if name.upper() not in BOT_ALONE}


def _secret_in(name: str, value: str) -> Iterator[str]:
    # Of an address anywhere, its password.
    yield from (found[1] for found in _PASSWORD.finditer(value))
    if name in _NO_SECRETS:
        return
    parts = set(name.split("_"))
    if _HEADERS in parts:
        for pair in value.split(","):
            given = unquote(pair.partition("=")[2].strip())
            # "Bearer …", of which the second word is the secret.
            yield from (given, given.rpartition(" ")[2])
    elif parts & _NAMED and parts.isdisjoint({"FILE", "PATH", "DIR", "FOLDER"}):
        yield value.strip()


def _forms(secret: str) -> set[str]:
    """Return a secret as it stands in an address, in JSON and in Python's representation, too."""
    found = {secret}
    for plain in (secret, unquote(secret)):
        ways = (
            quote(plain, safe=""),
            quote(plain),
            quote_plus(plain),
            repr(plain)[1:-1],
            json.dumps(plain)[1:-1],
        )
        found.update(way for way in (plain, *ways) if len(way) >= SHORTEST_SECRET)
    return found


def _of_dotenv(path: Path) -> list[tuple[str, str]]:
    found = []
    for line in _of_file(path).splitlines():
        if (match := _ASSIGNED.match(line)) is not None:
            value = match[2]
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            found.append((match[1], value))
    return found


def _of_file(path: Path) -> str:
    """Read a small file; nothing, where it cannot be read."""
    try:
        changed = path.stat()
        return _read(path.absolute(), changed.st_mtime_ns, changed.st_size)
    except (OSError, ValueError):
        return ""


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int, size: int) -> str:
    if size > LARGEST_FILE:
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


def _shown(value: object) -> str:
    try:
        return repr(value)
    # An object that cannot be shown must not cost the line that it stands in.
    except Exception as error:
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
