"""Tables that were clustered, places that are followed, their reviews, and names of their topics."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "reviews_kept",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "reviews_place",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("page", sa.Integer, nullable=False, server_default="0"),
        sa.Column("empty", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("whole_ms", sa.BigInteger),
        sa.Column("ended", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "reviews_review",
        sa.Column("place", sa.String(80), primary_key=True),
        sa.Column("review_id", sa.String(200), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("rating", sa.Integer),
        sa.Column("day", sa.Integer),
        sa.Column("language", sa.String(16), nullable=False, server_default=""),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Integer),
    )
    op.create_index("reviews_review_seen", "reviews_review", ["seen_ms"])
    op.create_table(
        "reviews_topic",
        sa.Column("place", sa.String(80), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("found_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for name in ("topic", "review", "place", "kept"):
        op.drop_table(f"reviews_{name}")
