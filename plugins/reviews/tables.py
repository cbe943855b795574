"""What reviews keep: places that are followed, their reviews without their authors, names of topics, and who clustered.

The reviews of a table that somebody clustered are not here but in sealed files for a day; see `plugins.reviews.kept`.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

PLACE_LENGTH: Final = 80
ID_LENGTH: Final = 200
LANGUAGE_LENGTH: Final = 16

metadata = MetaData()

kept = Table(
    "reviews_kept",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", BigInteger, nullable=False, index=True),
    Column("created_ms", BigInteger, nullable=False, index=True),
)

place = Table(
    "reviews_place",
    metadata,
    Column("name", String(PLACE_LENGTH), primary_key=True),
    # Of a walk through its pages that is not at its end: the next page, and how many empty ones came before it.
    Column("page", Integer, nullable=False, server_default="0"),
    Column("empty", Integer, nullable=False, server_default="0"),
    Column("not_before_ms", BigInteger, nullable=False, server_default="0"),
    # The last walk that came to the end, and what the last run ended with.
    Column("whole_ms", BigInteger),
    Column("ended", Text, nullable=False, server_default=""),
)

review = Table(
    "reviews_review",
    metadata,
    Column("place", String(PLACE_LENGTH), primary_key=True),
    Column("review_id", String(ID_LENGTH), primary_key=True),
    Column("text", Text, nullable=False),
    # 1 to 5; null where its author gave none.
    Column("rating", Integer),
    # Days since 1970; null where the source does not say.
    Column("day", Integer),
    Column("language", String(LANGUAGE_LENGTH), nullable=False, server_default=""),
    Column("seen_ms", BigInteger, nullable=False),
    # The number of the topic that it was last found to be of.
    Column("topic", Integer),
    Index("reviews_review_seen", "seen_ms"),
)

topic = Table(
    "reviews_topic",
    metadata,
    Column("place", String(PLACE_LENGTH), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(200), nullable=False),
    # Its words, as JSON, when it was last found.
    Column("words", Text, nullable=False),
    Column("found_ms", BigInteger, nullable=False),
)
