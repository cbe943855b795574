"""Whatever a bot or a person sends, the sandbox answers with Discord's error, never with a fault of its own."""

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.attachments import Attachments, Upload
from bot.sandbox.command_check import checked
from bot.sandbox.command_input import slash
from bot.sandbox.component_input import submit
from bot.sandbox.components import modal
from bot.sandbox.errors import ApiError, PageError, Problems
from bot.sandbox.image_size import image_size
from bot.sandbox.interactions import OpenModal
from bot.sandbox.messages import Messages
from bot.sandbox.resolved import Resolved
from bot.sandbox.snowflake import Snowflakes
from bot.sandbox.validate import draft
from bot.sandbox.world import BOT_PERMISSIONS, World

Json = dict[str, Any]
unhurried = settings(deadline=None)
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["1", "x" * 50, "x" * 7000, "attachment://a.png", "https://example.org/", 2**70, -(2**70)])
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "type",
        "id",
        "custom_id",
        "label",
        "style",
        "url",
        "emoji",
        "options",
        "value",
        "name",
        "description",
        "placeholder",
        "min_values",
        "max_values",
        "component",
        "components",
        "accessory",
        "content",
        "items",
        "media",
        "file",
        "title",
        "color",
        "fields",
        "inline",
        "footer",
        "text",
        "author",
        "image",
        "timestamp",
        "embeds",
        "flags",
        "allowed_mentions",
        "parse",
        "users",
        "roles",
        "attachments",
        "filename",
        "message_reference",
        "message_id",
        "nonce",
        "required",
        "choices",
        "min_length",
        "max_length",
        "min_value",
        "max_value",
        "name_localizations",
        "zh-TW",
        "contexts",
        "default_member_permissions",
        "values",
        "data",
        "modal_id",
        "focused",
        "autocomplete",
        "channel_types",
        "integration_types",
    ]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)
COMPONENT = st.fixed_dictionaries(
    {"type": st.integers(0, 23)},
    optional={
        "id": SCALARS,
        "custom_id": SCALARS,
        "style": SCALARS,
        "label": SCALARS,
        "options": st.lists(st.dictionaries(KEYS, SCALARS, max_size=3), max_size=2) | SCALARS,
        "min_values": SCALARS,
        "max_values": SCALARS,
        "min_length": SCALARS,
        "url": SCALARS,
        "placeholder": SCALARS,
        "value": SCALARS,
    },
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from([1, 1, 9, 10, 12, 13, 14, 17, 18])},
        optional={
            "components": st.lists(COMPONENT, max_size=3) | SCALARS,
            "component": COMPONENT,
            "accessory": COMPONENT,
            "content": SCALARS,
            "items": st.lists(st.dictionaries(KEYS, ANYTHING, max_size=2), max_size=2) | SCALARS,
            "label": SCALARS,
        },
    ),
    max_size=3,
)
EMBEDS = st.lists(st.dictionaries(KEYS, ANYTHING, max_size=4), max_size=3)
MENTIONS = st.dictionaries(st.sampled_from(["parse", "users", "roles", "replied_user"]), ANYTHING)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "content": SCALARS,
        "components": ROWS | ANYTHING,
        "embeds": EMBEDS | ANYTHING,
        "allowed_mentions": MENTIONS | SCALARS,
        "attachments": ANYTHING,
        "flags": SCALARS,
        "message_reference": ANYTHING,
        "nonce": ANYTHING,
    },
)
CHOICES = st.lists(
    st.dictionaries(st.sampled_from(["name", "value", "name_localizations"]), ANYTHING), max_size=2
)
DECLARED = st.fixed_dictionaries(
    {"type": st.integers(0, 12) | SCALARS, "name": st.sampled_from(["a", "b"]) | SCALARS, "description": st.just("d")},
    optional={"choices": CHOICES | SCALARS, "min_length": SCALARS, "max_length": SCALARS, "min_value": SCALARS,
              "max_value": SCALARS, "required": SCALARS, "options": ANYTHING, "name_localizations": ANYTHING},
)  # fmt: skip
COMMANDS = st.fixed_dictionaries(
    {"name": st.just("a") | SCALARS, "description": st.just("d") | SCALARS},
    optional={
        "type": SCALARS,
        "options": st.lists(DECLARED, max_size=3) | ANYTHING,
        "name_localizations": ANYTHING,
        "default_member_permissions": ANYTHING,
        "contexts": ANYTHING,
        "integration_types": ANYTHING,
    },
)
OBJECTS = st.dictionaries(KEYS, ANYTHING, max_size=8)


@given(MESSAGES, st.booleans())
@unhurried
def test_a_messages_body(body: Json, layout: bool) -> None:
    with suppress(ApiError):
        draft(body, {0: Upload("a.png", b"")}, layout=layout)


@given(
    st.fixed_dictionaries({"components": ROWS}, optional={"title": SCALARS, "custom_id": SCALARS}) | OBJECTS
)
@unhurried
def test_a_modal(body: Json) -> None:
    problems = Problems()
    modal(body, problems)
    assert problems or body


@given(COMMANDS | OBJECTS)
@unhurried
def test_a_command(body: Json) -> None:
    problems = Problems()
    command = checked(body, problems)
    assert problems or command["name"]


def _resolved() -> Resolved:
    snowflakes = Snowflakes()
    world = World(snowflakes.next(), "Bot", "en-US", BOT_PERMISSIONS)
    attachments = Attachments(snowflakes, 1000, 60)
    channel = next(iter(world.channels.values()))
    return Resolved(
        world, attachments, Messages(world, snowflakes, attachments, 10), channel, {0: Upload("a", b"a")}
    )


OPTIONS = [
    {"type": kind, "name": f"o{kind}", "description": "d", "required": kind == 3, "autocomplete": kind == 4}
    for kind in range(3, 12)
]
COMMAND: Json = {"id": "1", "name": "c", "type": 1, "options": OPTIONS}
GIVEN = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from([o["name"] for o in OPTIONS]), "value": ANYTHING},
        optional={"type": st.integers(1, 12), "focused": st.booleans()},
    )
    | OBJECTS,
    max_size=4,
)


@given(GIVEN, st.booleans())
@unhurried
def test_a_slash_commands_options(options: list[Json], typing: bool) -> None:
    with suppress(PageError):
        slash(COMMAND, {"options": options}, "1", _resolved(), typing=typing)


FORM = Problems()
MODAL_INPUTS: list[tuple[int, Json]] = [
    (4, {"min_length": 2}),
    (3, {"options": [{"label": "a", "value": "a"}], "required": False}),
    (19, {"required": False}),
    (22, {"options": [{"label": "a", "value": "a"}], "required": False}),
    (5, {"required": False}),
]
MODAL = modal(
    {
        "title": "t",
        "custom_id": "m",
        "components": [
            {"type": 18, "label": "l", "component": {"type": kind, "custom_id": f"i{kind}", **more}}
            for kind, more in MODAL_INPUTS
        ],
    },
    FORM,
)
INPUTS = st.lists(
    st.fixed_dictionaries(
        {"custom_id": st.sampled_from(["i4", "i3", "i19", "i22", "i5"])},
        optional={"value": ANYTHING, "values": ANYTHING},
    )
    | OBJECTS,
    max_size=5,
)


@given(INPUTS | ANYTHING)
@unhurried
def test_what_is_typed_into_a_form(components: Any) -> None:
    assert not FORM
    # Who opened it does not matter to what may be typed.
    opened = OpenModal("1", "1", None, MODAL)  # type: ignore[arg-type]
    with suppress(PageError):
        submit(opened, {"components": components}, _resolved())


@given(
    st.sampled_from(
        [
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"\xff\xd8",
            b"RIFF0000WEBPVP8X",
            b"RIFF0000WEBPVP8L",
            b"RIFF0000WEBPVP8 ",
            b"",
        ]
    ),
    st.binary(max_size=60),
)
@unhurried
def test_a_pictures_header(start: bytes, rest: bytes) -> None:
    size = image_size(start + rest)
    assert size is None or min(size) > 0
