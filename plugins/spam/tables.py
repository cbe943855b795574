"""Feedback that people gave for the purpose of improving the model; nothing else of theirs is kept."""

from sqlalchemy import MetaData

from shared.feedback import feedback_table

metadata = MetaData()
feedback = feedback_table("spam", metadata, longest_label=4)
