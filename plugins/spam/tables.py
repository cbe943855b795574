"""Feedback that people gave for the purpose of improving the model; nothing else of theirs is kept."""

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

feedback = Table(
    "spam_feedback",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("user_id", BigInteger, nullable=False, index=True),
    Column("guild_id", BigInteger),
    Column("text", Text, nullable=False),
    # SHA-256 of the text: one person's later word on a text replaces the earlier one.
    Column("digest", String(64), nullable=False),
    Column("label", String(4), nullable=False),
    Column("probability", Float, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("user_id", "digest", name="spam_feedback_once"),
)
