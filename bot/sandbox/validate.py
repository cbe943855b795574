"""Reads what a bot, or a person, wants a message to say, and refuses what Discord would refuse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.sandbox import components, embeds
from bot.sandbox.attachments import EPHEMERAL_FLAG, Upload
from bot.sandbox.errors import Json, Problems, known

MAX_CONTENT: Final = 2000
MAX_FILES: Final = 10
LOADING_FLAG: Final = 128
LAYOUT_FLAG: Final = 1 << 15
_SETTABLE: Final = 4 | EPHEMERAL_FLAG | 1 << 12 | LAYOUT_FLAG
"""Flags that a bot may set: no embeds of links, ephemeral, silent, components V2."""


@dataclass(frozen=True)
class Allowed:
    """Which mentions of a message take effect."""

    everyone: bool = True
    all_users: bool = True
    all_roles: bool = True
    users: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    replied_user: bool = True


@dataclass(frozen=True)
class Draft:
    """What a body says about a message; None where it says nothing, which in an edit means: leave it."""

    content: str | None = None
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    keep: frozenset[str] | None = None
    """Ids of the attachments that an edit keeps."""
    uploads: tuple[Upload, ...] = ()
    flags: int = 0
    allowed: Allowed = field(default_factory=Allowed)
    reply_to: str | None = None
    reply_must_exist: bool = True
    nonce: str | int | None = None
    enforce_nonce: bool = False
    tts: bool = False

    @property
    def ephemeral(self) -> bool:
        """Whether only the asker is to see it."""
        return bool(self.flags & EPHEMERAL_FLAG)

    def refuse_empty(self) -> None:
        """Raise Discord's 50006 where a new message would show nothing."""
        shown = bool(self.content and self.content.strip()) or self.components or self.uploads
        if not shown and all(embeds.is_empty(embed) for embed in self.embeds or []):
            raise known(50006)


def draft(body: Json, uploads: Mapping[int, Upload], *, layout: bool = False, prefix: str = "") -> Draft:
    """Read a message's body. `layout`: the message already is one of components V2.

    `prefix` is where the body stands in the request, as Discord's errors name it. Raises 50035.
    """
    problems = Problems()
    flags = body.get("flags") or 0
    if not isinstance(flags, int):
        problems.add("flags", "NUMBER_TYPE_COERCE", 'Value "flags" is not int.')
        flags = 0
    layout = layout or bool(flags & LAYOUT_FLAG)
    given_content, given_embeds = body.get("content"), body.get("embeds")
    if given_content is not None:
        # Numbers are taken as text, as Discord does.
        if isinstance(given_content, int | float):
            given_content = str(given_content)
        problems.text("content", given_content, 0, MAX_CONTENT)
    if layout:
        for name, given in (("content", given_content), ("embeds", given_embeds)):
            if given:
                problems.add(
                    name,
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
                )
    checked_embeds = embeds.checked(given_embeds, problems) if "embeds" in body else None
    checked_components = (
        components.message_components(body["components"], problems, layout=layout)
        if "components" in body
        else None
    )
    keep, files = _attachments(body, uploads, problems)
    allowed = _allowed(body.get("allowed_mentions"), problems)
    reference = body.get("message_reference")
    reply_to = None
    must_exist = True
    if isinstance(reference, dict):
        reply_to = str(reference.get("message_id") or "") or None
        must_exist = reference.get("fail_if_not_exists", True) is not False
    nonce = body.get("nonce")
    if nonce is not None and len(str(nonce)) > 25:
        problems.too_long("nonce", 25)
    if prefix and problems:
        problems = problems.under(prefix)
    problems.settle()
    return Draft(
        content=str(given_content or "") if "content" in body else None,
        embeds=checked_embeds,
        components=checked_components,
        keep=keep,
        uploads=files,
        flags=flags & _SETTABLE,
        allowed=allowed,
        reply_to=reply_to,
        reply_must_exist=must_exist,
        nonce=nonce,
        enforce_nonce=bool(body.get("enforce_nonce")),
        tts=bool(body.get("tts")),
    )


def _attachments(
    body: Json, uploads: Mapping[int, Upload], problems: Problems
) -> tuple[frozenset[str] | None, tuple[Upload, ...]]:
    if len(uploads) > MAX_FILES:
        problems.too_long("attachments", MAX_FILES)
    files = dict(uploads)
    if "attachments" not in body:
        return None, tuple(files[n] for n in sorted(files))
    keep = set()
    listed = body["attachments"] or []
    if not isinstance(listed, list):
        listed = []
        problems.add("attachments", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    for index, each in enumerate(listed):
        if not isinstance(each, dict) or not str(each.get("id", "")).isdigit():
            problems.required(f"attachments.{index}.id")
            continue
        number = int(each["id"])
        if number not in files:
            keep.add(str(number))
            continue
        description = each.get("description")
        if description is not None:
            problems.text(f"attachments.{index}.description", description, 0, 1024)
        name = str(each.get("filename") or files[number].filename)
        files[number] = Upload(name, files[number].data, description)
    return frozenset(keep), tuple(files[n] for n in sorted(files))


def _allowed(value: Any, problems: Problems) -> Allowed:
    if value is None:
        return Allowed()
    if not isinstance(value, dict):
        problems.add("allowed_mentions", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return Allowed()
    given = value.get("parse") or []
    parse = (
        [each for each in given if each in ("everyone", "users", "roles")] if isinstance(given, list) else []
    )
    if parse != given:
        problems.choices("allowed_mentions.parse", "'everyone', 'roles', 'users'")
    lists: dict[str, frozenset[str]] = {}
    for name in ("users", "roles"):
        ids = value.get(name) or []
        if not isinstance(ids, list):
            problems.add(
                f"allowed_mentions.{name}", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"
            )
            ids = []
        if len(ids) > 100:
            problems.too_long(f"allowed_mentions.{name}", 100)
        if ids and name in parse:
            problems.add(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.',
            )
        lists[name] = frozenset(str(each) for each in ids)
    return Allowed(
        everyone="everyone" in parse,
        all_users="users" in parse,
        all_roles="roles" in parse,
        users=lists["users"],
        roles=lists["roles"],
        replied_user=bool(value.get("replied_user")),
    )
