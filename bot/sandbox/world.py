"""The guild that the sandbox begins with: its people, roles and channels, and who may do what where.

Ids of the guild, its channels and its people are the same in every run, so that what a bot has stored about them
stays true; the application is a new one each time, as nothing of it (commands, messages) is kept.
"""

from dataclasses import dataclass, field
from enum import IntFlag
from typing import Final

from bot.sandbox.errors import Json, known
from bot.sandbox.snowflake import timestamp

GUILD_ID: Final = "1290000000000000000"
_BORN: Final = timestamp(GUILD_ID)
GUILD_TEXT, DIRECT = 0, 1


class Permission(IntFlag):
    """The bits of Discord's permissions that the sandbox knows."""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    CHANGE_NICKNAME = 1 << 26
    USE_APPLICATION_COMMANDS = 1 << 31
    PIN_MESSAGES = 1 << 51


ALL_PERMISSIONS: Final = (1 << 53) - 1
_EVERYONE: Final = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
)
BOT_PERMISSIONS: Final = int(_EVERYONE | Permission.MANAGE_MESSAGES | Permission.PIN_MESSAGES)
"""What the bot's role allows, over what everyone may do, unless a test says otherwise."""


@dataclass(frozen=True)
class User:
    """A person, or the bot."""

    id: str
    username: str
    global_name: str | None = None
    bot: bool = False

    def payload(self) -> Json:
        """Return Discord's user object."""
        return {
            "id": self.id,
            "username": self.username,
            "global_name": self.global_name,
            "discriminator": "0",
            "avatar": None,
            "banner": None,
            "accent_color": None,
            "avatar_decoration_data": None,
            "collectibles": None,
            "primary_guild": None,
            "public_flags": 0,
            "flags": 0,
            "bot": self.bot,
            "system": False,
        }


@dataclass(frozen=True)
class Role:
    """A role of the guild."""

    id: str
    name: str
    permissions: int
    position: int
    color: int = 0
    bot_id: str | None = None

    def payload(self) -> Json:
        """Return Discord's role object."""
        body: Json = {
            "id": self.id,
            "name": self.name,
            "description": None,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": self.color,
            "colors": {"primary_color": self.color, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": self.bot_id is not None,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
        if self.bot_id is not None:
            body["tags"] = {"bot_id": self.bot_id}
        return body


@dataclass
class Channel:
    """A text channel of the guild, or a direct conversation between a person and the bot."""

    id: str
    type: int
    name: str | None = None
    position: int = 0
    topic: str | None = None
    private_to: tuple[str, ...] = ()
    """Roles that see the channel, where not everyone does."""
    recipient: User | None = None
    last_message_id: str | None = None

    def payload(self) -> Json:
        """Return Discord's channel object."""
        if self.recipient is not None:
            return {
                "id": self.id,
                "type": DIRECT,
                "flags": 0,
                "last_message_id": self.last_message_id,
                "recipients": [self.recipient.payload()],
            }
        view = int(Permission.VIEW_CHANNEL)
        overwrites: list[Json] = []
        if self.private_to:
            overwrites.append({"id": GUILD_ID, "type": 0, "allow": "0", "deny": str(view)})
            overwrites += [{"id": r, "type": 0, "allow": str(view), "deny": "0"} for r in self.private_to]
        return {
            "id": self.id,
            "type": GUILD_TEXT,
            "guild_id": GUILD_ID,
            "name": self.name,
            "position": self.position,
            "topic": self.topic,
            "nsfw": False,
            "parent_id": None,
            "rate_limit_per_user": 0,
            "flags": 0,
            "last_message_id": self.last_message_id,
            "last_pin_timestamp": None,
            "permission_overwrites": overwrites,
        }


@dataclass
class World:
    """One guild, three people and a bot."""

    application_id: str
    application_name: str
    locale: str
    bot_permissions: int
    users: dict[str, User] = field(init=False)
    roles: dict[str, Role] = field(init=False)
    held: dict[str, list[str]] = field(init=False)
    """The roles of each member, without that of everyone."""
    channels: dict[str, Channel] = field(init=False)
    owner_id: str = field(init=False)

    def __post_init__(self) -> None:
        admin, bot_role, members = _id(11), _id(12), _id(13)
        people = [
            User(_id(21), "admin", "Admin"),
            User(_id(22), "member-1", "Member 1"),
            User(_id(23), "member-2", "Member 2"),
        ]
        bot = User(self.application_id, self.application_name, bot=True)
        self.owner_id = people[0].id
        self.users = {user.id: user for user in [*people, bot]}
        self.roles = {
            role.id: role
            for role in (
                Role(GUILD_ID, "@everyone", int(_EVERYONE), 0),
                Role(members, "Members", 0, 1, 0x3498DB),
                Role(bot_role, self.application_name, self.bot_permissions, 2, bot_id=bot.id),
                Role(admin, "Administrators", int(Permission.ADMINISTRATOR), 3, 0xE67E22),
            )
        }
        self.held = {
            people[0].id: [admin],
            people[1].id: [members],
            people[2].id: [members],
            bot.id: [bot_role],
        }
        self.channels = {
            channel.id: channel
            for channel in (
                Channel(_id(31), GUILD_TEXT, "general", 0, "Anything goes"),
                Channel(_id(32), GUILD_TEXT, "models", 1, "News of models and trainings"),
                Channel(_id(33), GUILD_TEXT, "admin", 2, "For administrators", private_to=(admin, bot_role)),
            )
        }

    @property
    def bot(self) -> User:
        """The bot's own user; its id is the application's."""
        return self.users[self.application_id]

    @property
    def people(self) -> list[User]:
        """The human users."""
        return [user for user in self.users.values() if not user.bot]

    def channel(self, channel_id: str) -> Channel:
        """Return a channel. Raises Discord's 10003."""
        found = self.channels.get(channel_id)
        if found is None:
            raise known(10003)
        return found

    def direct(self, user_id: str, new_id: str) -> tuple[Channel, bool]:
        """Return the conversation between a person and the bot, and whether it was just opened."""
        for channel in self.channels.values():
            if channel.recipient is not None and channel.recipient.id == user_id:
                return channel, False
        channel = Channel(new_id, DIRECT, recipient=self.users[user_id])
        self.channels[channel.id] = channel
        return channel, True

    def permissions(self, user_id: str, channel: Channel | None = None) -> int:
        """Return the permission bits that a member has, in a channel or in the guild as a whole."""
        if channel is not None and channel.recipient is not None:
            member = user_id in (channel.recipient.id, self.application_id)
            return int(_EVERYONE | Permission.PIN_MESSAGES) if member else 0
        held = self.held.get(user_id, [])
        # Whatever a test takes from the bot, its role must be able to take: it does not add to everyone's.
        bits = 0 if user_id == self.application_id else self.roles[GUILD_ID].permissions
        for role in held:
            bits |= self.roles[role].permissions
        if bits & Permission.ADMINISTRATOR or user_id == self.owner_id:
            return ALL_PERMISSIONS
        if channel is not None and channel.private_to and not set(held) & set(channel.private_to):
            return 0
        return bits

    def sees(self, user_id: str, channel: Channel) -> bool:
        """Tell whether a user may see a channel."""
        return bool(self.permissions(user_id, channel) & Permission.VIEW_CHANNEL)

    def member(self, user_id: str, *, with_user: bool = True) -> Json:
        """Return Discord's member object. Raises 10007."""
        if user_id not in self.held:
            raise known(10007)
        body: Json = {
            "avatar": None,
            "banner": None,
            "communication_disabled_until": None,
            "flags": 0,
            "joined_at": _BORN,
            "nick": None,
            "pending": False,
            "premium_since": None,
            "roles": self.held[user_id],
            "mute": False,
            "deaf": False,
        }
        if with_user:
            body["user"] = self.users[user_id].payload()
        return body

    def guild(self) -> Json:
        """Return Discord's guild object, as its HTTP API gives it."""
        return {
            "id": GUILD_ID,
            "name": "Hearth Sandbox",
            "icon": None,
            "description": None,
            "home_header": None,
            "splash": None,
            "discovery_splash": None,
            "banner": None,
            "features": [],
            "owner_id": self.owner_id,
            "application_id": None,
            "region": "deprecated",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "widget_enabled": False,
            "widget_channel_id": None,
            "verification_level": 0,
            "roles": [role.payload() for role in self.roles.values()],
            "default_message_notifications": 0,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_presences": None,
            "max_members": 500000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "vanity_url_code": None,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "premium_progress_bar_enabled": False,
            "preferred_locale": self.locale,
            "rules_channel_id": None,
            "safety_alerts_channel_id": None,
            "public_updates_channel_id": None,
            "hub_type": None,
            "nsfw": False,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
            "incidents_data": None,
            "approximate_member_count": len(self.held),
            "approximate_presence_count": len(self.held),
        }

    def guild_create(self, members: list[str]) -> Json:
        """Return the gateway's GUILD_CREATE, telling of these members."""
        return {
            **self.guild(),
            "joined_at": _BORN,
            "large": False,
            "unavailable": False,
            "member_count": len(self.held),
            "voice_states": [],
            "members": [self.member(user) for user in members],
            "channels": [c.payload() for c in self.channels.values() if c.type == GUILD_TEXT],
            "threads": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }


def _id(number: int) -> str:
    return str(int(GUILD_ID) + number)
