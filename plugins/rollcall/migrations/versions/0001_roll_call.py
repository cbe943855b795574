"""Who enrolled, their sealed faces, sessions, and check-ins."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "rollcall_server",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("time_zone", sa.String(64)),
        sa.Column("enrolments", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_table(
        "rollcall_person",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("consented_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False, index=True),
    )
    op.create_index("rollcall_person_user", "rollcall_person", ["user_id"])
    op.create_table(
        "rollcall_face",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("rollcall_face_owner", "rollcall_face", ["guild_id", "user_id"])
    op.create_table(
        "rollcall_session",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("open_channel", sa.BigInteger, unique=True),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("self_only", sa.Boolean, nullable=False),
        sa.Column("late_ms", sa.BigInteger),
        sa.Column("started_by", sa.BigInteger, index=True),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("closes_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_ms", sa.BigInteger),
    )
    op.create_index("rollcall_session_channel", "rollcall_session", ["channel_id", "id"])
    op.create_table(
        "rollcall_checkin",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column(
            "session_id", number, sa.ForeignKey("rollcall_session.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("user_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("posted_by", sa.BigInteger, index=True),
        sa.Column("posted_name", sa.String(100)),
        sa.UniqueConstraint("session_id", "user_id", name="rollcall_checkin_once"),
    )


def downgrade() -> None:
    for name in ("checkin", "session", "face", "person", "server"):
        op.drop_table(f"rollcall_{name}")
