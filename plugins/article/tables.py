"""Feedback that people gave for the purpose of improving the model; nothing else of theirs is kept."""

from sqlalchemy import MetaData

from shared.feedback import feedback_table

metadata = MetaData()

# The text is the summary, and below it the beginning of the article; the label good or bad.
feedback = feedback_table("article", metadata)
