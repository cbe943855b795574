"""Days of trading, months that were asked for, forecasts, posts and price alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "stock_day",
        sa.Column("code", sa.String(8), primary_key=True),
        sa.Column("source", sa.String(100), primary_key=True),
        sa.Column("date", sa.String(10), primary_key=True),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("open", "high", "low", "close")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("shares", "value", "trades")),
        sa.Column("change", sa.Float),
        sa.Column("ex_dividend", sa.Boolean, nullable=False),
    )
    op.create_table(
        "stock_month",
        sa.Column("code", sa.String(8), primary_key=True),
        sa.Column("source", sa.String(100), primary_key=True),
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("fetched_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "stock_turn",
        sa.Column("host", sa.String(100), primary_key=True),
        sa.Column("next_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_ms", sa.BigInteger, nullable=False, server_default="0"),
    )
    bounds = ("expected", "low50", "high50", "low90", "high90", "walk_low90", "walk_high90")
    op.create_table(
        "stock_forecast",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("made_on", sa.String(10), nullable=False),
        sa.Column("close", sa.Float, nullable=False),
        sa.Column("ahead", sa.Integer, nullable=False),
        sa.Column("champion", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in bounds),
        sa.Column("afterwards", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("came_on", sa.String(10)),
        sa.Column("came", sa.Float),
        sa.UniqueConstraint("guild_id", "code", "made_on", "ahead", name="stock_forecast_once"),
    )
    op.create_index("stock_forecast_open", "stock_forecast", ["guild_id", "code", "came_on"])
    op.create_table(
        "stock_post",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("code", sa.String(8), primary_key=True),
        sa.Column("posted_on", sa.String(10), nullable=False, server_default=""),
        sa.Column("said_on", sa.String(10), nullable=False, server_default=""),
    )
    op.create_table(
        "stock_alarm",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("above", sa.Boolean, nullable=False),
        sa.Column("price", sa.Float, nullable=False),
        sa.Column("seen_on", sa.String(10), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, index=True),
        sa.Column("came_on", sa.String(10)),
        sa.Column("came", sa.Float),
    )


def downgrade() -> None:
    for name in ("alarm", "post", "forecast", "turn", "month", "day"):
        op.drop_table(f"stock_{name}")
