"""The core's tables. Changing one here needs a migration in `shared/migrations/versions`; a test compares them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

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
    # "person:ID", "server:ID", and by the rule of a server "person:ID:SERVER:quota:PLUGIN" or "…:cooldown:PLUGIN"
    Column("bucket", String(160), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    # The rule that the tokens were counted by; it comes with each request.
    Column("burst", Float, nullable=False),
    Column("per_ms", Float, nullable=False),
)

# What an administrator decided of a plugin in a server.
plugin_rule = Table(
    "plugin_rule",
    metadata,
    Column("plugin", String(64), primary_key=True),
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    # JSON lists of ids: who may use it, and where; empty: everybody, everywhere.
    Column("roles", Text, nullable=False),
    Column("channels", Text, nullable=False),
    # Requests of one person at once, and a minute; None: as for everything.
    Column("burst", Integer),
    Column("per_minute", Float),
    # Between two requests of one person.
    Column("cooldown_seconds", Float, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

# What an administrator decided of the bot in a server.
server_rule = Table(
    "server_rule",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    # Language of everything said there; None: each person's own.
    Column("locale", String(16)),
    # JSON list of ids of the channels that jobs may post to; empty: every one.
    Column("post_channels", Text, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
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

# Administrative acts; rows are only ever added, which triggers see to.
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

# What shall run, and when. Rows are the truth: bots and the command line write them, each bot's clock follows them.
job = Table(
    "job",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("plugin", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    # 0: a job of the whole bot.
    Column("guild_id", BigInteger, nullable=False),
    # Tells apart what one server has several of, such as subscriptions.
    Column("key", String(200), nullable=False),
    # Where it posts, and where it is told that it failed.
    Column("channel_id", BigInteger),
    # Who made it; None: the command line, or the bot itself.
    Column("user_id", BigInteger, index=True),
    Column("locale", String(16), nullable=False),
    Column("arguments", Text, nullable=False),
    # As `shared.schedule.Schedule.read` takes it.
    Column("schedule", String(200), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("misfire", String(8), nullable=False),
    Column("paused", Boolean, nullable=False),
    # What intervals are counted from.
    Column("anchor_ms", BigInteger, nullable=False),
    # The first due time that is not in `job_run` yet; None: never again.
    Column("next_ms", BigInteger, index=True),
    # Its channel was told that it failed, and it has not succeeded since.
    Column("told", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("plugin", "name", "guild_id", "key", name="job_once"),
)

# Each run of each job, once: whoever inserts the due time has it, whichever bot that is.
job_run = Table(
    "job_run",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("job_id", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    # waiting, running, done, failed, skipped
    Column("state", String(8), nullable=False),
    Column("attempt", Integer, nullable=False),
    # While it waits: not before; while it runs: the end of its owner's lease.
    Column("until_ms", BigInteger, nullable=False),
    Column("owner", String(100)),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("error_id", String(16)),
    Column("note", Text, nullable=False),
    UniqueConstraint("job_id", "due_ms", name="job_run_once"),
    Index("job_run_state_until", "state", "until_ms"),
)

# What a run has posted: a run that is tried again does not post the same again.
job_post = Table(
    "job_post",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("channel_id", BigInteger, nullable=False),
    # None: it was about to be sent.
    Column("message_id", BigInteger),
    Column("begun_ms", BigInteger, nullable=False),
)

# Each retraining of a model from feedback: what it was made of, and what came of it. No person's id is in it.
training = Table(
    "training",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("model", String(64), nullable=False),
    Column("begun_ms", BigInteger, nullable=False),
    # None: it is under way, or was killed.
    Column("ended_ms", BigInteger),
    Column("attempts", Integer, nullable=False),
    # When the newest feedback that it looked at was given.
    Column("newest_ms", BigInteger, nullable=False),
    # Of the file that it learned from: rows of the base and rows of feedback together.
    Column("data_sha256", String(64), nullable=False),
    Column("base_name", String(200), nullable=False),
    Column("base_sha256", String(64), nullable=False),
    Column("base_rows", Integer, nullable=False),
    Column("feedback_rows", Integer, nullable=False),
    Column("people", Integer, nullable=False),
    Column("people_left_out", Integer, nullable=False),
    # JSON: how many votes and texts were left out, by why.
    Column("left_out", Text, nullable=False),
    # The version made; None where none was.
    Column("version", String(64)),
    Column("reason", Text, nullable=False),
    # Its news was posted.
    Column("told", Boolean, nullable=False),
    Index("training_model_begun", "model", "begun_ms"),
)

# Channels that hear of trainings, and who had them do so.
news = Table(
    "news",
    metadata,
    Column("channel_id", BigInteger, primary_key=True, autoincrement=False),
    Column("guild_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, index=True),
    Column("locale", String(16), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
