"""Contracts and what both the bot and its plugins use; imports nothing else of Hearth."""
