"""The core's tables. Changing one here needs a migration in `shared/migrations/versions`; a test compares them."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

plugin_state = Table(
    "plugin_state",
    metadata,
    Column("plugin", String(64), primary_key=True),
    # 0 stands for all servers.
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("enabled", Boolean, nullable=False),
    # Counts requests to load the plugin's code anew; only the row for all servers uses it.
    Column("reloads", Integer, nullable=False, server_default="0"),
    Column("changed_ms", BigInteger, nullable=False),
)

quota = Table(
    "quota",
    metadata,
    # "person:ID" or "server:ID"
    Column("bucket", String(80), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    # The rule that the tokens were counted by; it comes with each request.
    Column("burst", Float, nullable=False),
    Column("per_ms", Float, nullable=False),
)

# What was acknowledged and not yet answered: after a crash the next start tells these people.
pending = Table(
    "pending",
    metadata,
    Column("interaction_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, nullable=False, index=True),
    Column("application_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger),
    Column("token", Text, nullable=False),
    Column("locale", String(16), nullable=False),
    Column("command", String(100), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

# What a button does when pressed: Discord gives back only a short id.
button = Table(
    "button",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", BigInteger, nullable=False, index=True),
    Column("plugin", String(64), nullable=False),
    Column("command", String(32), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)

# Channels that a plugin looks at, and who had it do so.
watch = Table(
    "watch",
    metadata,
    Column("plugin", String(64), primary_key=True),
    Column("channel_id", BigInteger, primary_key=True, autoincrement=False),
    Column("guild_id", BigInteger),
    Column("changed_ms", BigInteger, nullable=False),
)

# Administrative acts; rows are only ever added.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("guild_id", BigInteger),
    Column("user_id", BigInteger),
    Column("act", String(64), nullable=False),
    Column("details", Text, nullable=False),
    Index("audit_guild_at", "guild_id", "at_ms"),
)

# The hash of the commands last registered with Discord, so that a start without change sends nothing.
command_sync = Table(
    "command_sync",
    metadata,
    Column("application_id", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("synced_ms", BigInteger, nullable=False),
)
