"""What the stock plugin keeps: days of trading and where they are from, what was forecast of them, and price alarms."""

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
    UniqueConstraint,
)

metadata = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")

# Dates are ISO texts, which sort as they pass.
day = Table(
    "stock_day",
    metadata,
    Column("code", String(8), primary_key=True),
    # The exchange's host, or "import:" and the server (0: the command line) that imported the file.
    Column("source", String(100), primary_key=True),
    Column("date", String(10), primary_key=True),
    Column("open", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("close", Float, nullable=False),
    Column("shares", BigInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("trades", BigInteger, nullable=False),
    Column("change", Float),
    Column("ex_dividend", Boolean, nullable=False),
)

# Months that were asked for, also those without a trade, so that they are not asked for again.
month = Table(
    "stock_month",
    metadata,
    Column("code", String(8), primary_key=True),
    Column("source", String(100), primary_key=True),
    # As in 2020-01.
    Column("month", String(7), primary_key=True),
    Column("days", Integer, nullable=False),
    # Nothing more is expected of it.
    Column("whole", Boolean, nullable=False),
    Column("fetched_ms", BigInteger, nullable=False),
)

# When an exchange may be asked next: one row for all processes.
turn = Table(
    "stock_turn",
    metadata,
    Column("host", String(100), primary_key=True),
    Column("next_ms", BigInteger, nullable=False),
    # It asked for no requests before this time.
    Column("closed_ms", BigInteger, nullable=False, server_default="0"),
)

forecast = Table(
    "stock_forecast",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    # 0 for what the command line asked.
    Column("guild_id", BigInteger, nullable=False),
    Column("code", String(8), nullable=False),
    # The last day that was known to it, and that day's close.
    Column("made_on", String(10), nullable=False),
    Column("close", Float, nullable=False),
    # Days of trading from there.
    Column("ahead", Integer, nullable=False),
    Column("champion", String(32), nullable=False),
    Column("expected", Float, nullable=False),
    Column("low50", Float, nullable=False),
    Column("high50", Float, nullable=False),
    Column("low90", Float, nullable=False),
    Column("high90", Float, nullable=False),
    Column("walk_low90", Float, nullable=False),
    Column("walk_high90", Float, nullable=False),
    # Made when the day that it is about was known already, of the days before it alone.
    Column("afterwards", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    # The day that it turned out to be about, and its close.
    Column("came_on", String(10)),
    Column("came", Float),
    UniqueConstraint("guild_id", "code", "made_on", "ahead", name="stock_forecast_once"),
    Index("stock_forecast_open", "guild_id", "code", "came_on"),
)

# What each subscription has posted last.
post = Table(
    "stock_post",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("channel_id", BigInteger, primary_key=True, autoincrement=False),
    Column("code", String(8), primary_key=True),
    # The last day of trading that was posted, and the last weekday of which was said that it has no close.
    Column("posted_on", String(10), nullable=False, server_default=""),
    Column("said_on", String(10), nullable=False, server_default=""),
)

alarm = Table(
    "stock_alarm",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("user_id", BigInteger, nullable=False, index=True),
    # Null in a direct message.
    Column("guild_id", BigInteger),
    Column("channel_id", BigInteger, nullable=False),
    Column("locale", String(16), nullable=False),
    Column("code", String(8), nullable=False),
    Column("above", Boolean, nullable=False),
    Column("price", Float, nullable=False),
    # The last day that was known when it was set: only later ones count.
    Column("seen_on", String(10), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    # The run that tells it, the day whose close it was, and that close.
    Column("due_ms", BigInteger, index=True),
    Column("came_on", String(10)),
    Column("came", Float),
)
