"""Makes the archive of what is kept of a person: a page to read, the same as JSON, and the files."""

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from bot.privacy_kinds import Kind
from bot.privacy_rows import Found
from shared.texts import CORE, Text, Texts, language_of

MOST_BYTES: Final = 9 * 2**20
"""Of the whole archive: Discord takes 10 MiB anywhere."""
SINCE: Final = ("created_ms", "consented_ms", "started_ms", "at_ms", "changed_ms", "updated_ms")
"""Columns that say since when a row is there; the first one that it has."""
STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0 2rem}"
    "th,td{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#f3f3f3}td{white-space:pre-wrap;max-width:40rem}p{color:#555}"
)


@dataclass(frozen=True)
class Page:
    """What one person's page is made of."""

    texts: Texts
    locale: str
    user: int
    kinds: Sequence[Kind]
    found: Found
    made: datetime

    def say(self, text: Text, domain: str = CORE) -> str:
        """Say a text in the person's language."""
        return self.texts.render(text, self.locale, domain)

    def html(self, files: Sequence[str], left_out: Sequence[str]) -> str:
        """Return the page; `files` are beside it, `left_out` did not fit."""
        title = self.say(Text("What Hearth keeps of you"))
        parts = [
            f'<!doctype html><html lang="{language_of(self.locale).replace("_", "-")}"><meta charset="utf-8">',
            # Whatever a row holds, nothing of it runs, and nothing is loaded.
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'\">",
            f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>",
            self._p(
                Text(
                    "As it was at {time} (UTC), for the person with the Discord id {id}.",
                    {"time": f"{self.made:%Y-%m-%d %H:%M:%S}", "id": self.user},
                )
            ),
            self._p(Text("The same is beside this page as JSON, for programs.")),
        ]
        named = set()
        for kind in self.kinds:
            named |= set(kind.rows)
            parts.append(self._kind(kind))
        if rest := {name: rows for name, rows in self.found.items() if rows and name not in named}:
            parts.append(self._h2(Text("Of plugins that are not loaded now")))
            parts += [self._table(name, rows) for name, rows in rest.items()]
        parts += self._files(files, left_out)
        return "\n".join(parts)

    def _kind(self, kind: Kind) -> str:
        parts = [self._h2(kind.what, kind.domain)]
        parts += [self._p(line) for line in lines_of(self, kind)]
        rows = [self._table(name, self.found[name]) for name in kind.rows if self.found.get(name)]
        return "\n".join(parts + (rows or [self._p(Text("Nothing of this is kept of you."))]))

    def _files(self, files: Sequence[str], left_out: Sequence[str]) -> list[str]:
        if not files and not left_out:
            return []
        parts = [self._h2(Text("Files"))]
        if files:
            items = "".join(f"<li>{escape(name)}</li>" for name in files)
            parts.append(f"<ul>{items}</ul>")
        if left_out:
            parts.append(self._p(Text("Too large for Discord; whoever runs the bot can hand them to you:")))
            parts.append(f"<ul>{''.join(f'<li>{escape(name)}</li>' for name in left_out)}</ul>")
        return parts

    def _h2(self, text: Text, domain: str = CORE) -> str:
        return f"<h2>{escape(self.say(text, domain))}</h2>"

    def _p(self, text: Text | str) -> str:
        said = self.say(text) if isinstance(text, Text) else text
        return f"<p>{escape(said)}</p>"

    def _table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
        columns = list(rows[0])
        head = "".join(f"<th>{escape(_heading(column))}</th>" for column in columns)
        body = "\n".join(
            "<tr>" + "".join(f"<td>{escape(_cell(column, row[column]))}</td>" for column in columns) + "</tr>"
            for row in rows
        )
        return f"<h3>{escape(name)} ({len(rows)})</h3><table><tr>{head}</tr>\n{body}</table>"


def lines_of(page: Page, kind: Kind) -> list[str]:
    """Say how long a kind is kept, why, who can see it, and why it stays, if it does."""
    values = {
        "lasts": page.say(kind.lasts),
        "why": page.say(kind.why, kind.domain),
        "who": page.say(kind.seen_by, kind.domain),
    }
    lines = [
        page.say(Text("Kept: {lasts}.", values)),
        page.say(Text("Why: {why}.", values)),
        page.say(Text("Seen by: {who}.", values)),
    ]
    if kind.stays is not None:
        stays = {"why": page.say(kind.stays, kind.domain)}
        lines.append(page.say(Text("/privacy forget leaves it: {why}.", stays)))
    return lines


def since(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return since when the oldest of the rows is there, in milliseconds; None where they do not say."""
    times = [next((row[name] for name in SINCE if row.get(name) is not None), None) for row in rows]
    return min((time for time in times if time is not None), default=None)


def archive(page: Page, files: Mapping[str, bytes], most: int = MOST_BYTES) -> bytes:
    """Pack the page, the rows as JSON, and the files, the small ones first, while there is room."""
    out, packed, left_out = io.BytesIO(), [], []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, rows in page.found.items():
            target.writestr(f"{name}.json", json.dumps(rows, ensure_ascii=False, indent=2, default=_as_json))
        room = most - out.tell() - len(zlib.compress(page.html(list(files), []).encode()))
        for name, data in sorted(files.items(), key=lambda item: (len(item[1]), item[0])):
            # An entry has some bytes around its name and data.
            size = len(zlib.compress(data)) + 2 * len(name.encode()) + 200
            if size > room:
                left_out.append(name)
                continue
            room -= size
            owner, _, rest = name.partition("/")
            target.writestr(f"{owner}/files/{rest}", data)
            packed.append(f"{owner}/files/{rest}")
        target.writestr("index.html", page.html(packed, left_out))
    return out.getvalue()


def _heading(column: str) -> str:
    return column.removesuffix("_ms").replace("_", " ")


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "–"
    if column.endswith("_ms") and isinstance(value, int):
        try:
            return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S}"
        except (ValueError, OverflowError, OSError):
            return str(value)
    return str(_as_json(value)) if isinstance(value, bytes) else str(value)


def _as_json(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
