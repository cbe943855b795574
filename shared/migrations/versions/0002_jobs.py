"""Jobs, their runs, and what runs posted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", _id(), primary_key=True, autoincrement=True),
        sa.Column("plugin", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("channel_id", sa.BigInteger),
        sa.Column("user_id", sa.BigInteger, index=True),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("schedule", sa.String(200), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("misfire", sa.String(8), nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("anchor_ms", sa.BigInteger, nullable=False),
        sa.Column("next_ms", sa.BigInteger, index=True),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("plugin", "name", "guild_id", "key", name="job_once"),
    )
    op.create_table(
        "job_run",
        sa.Column("id", _id(), primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.String(100)),
        sa.Column("started_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("error_id", sa.String(16)),
        sa.Column("note", sa.Text, nullable=False),
        sa.UniqueConstraint("job_id", "due_ms", name="job_run_once"),
    )
    op.create_index("job_run_state_until", "job_run", ["state", "until_ms"])
    op.create_table(
        "job_post",
        sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("begun_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("job_post", "job_run", "job"):
        op.drop_table(table)


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")
