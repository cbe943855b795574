"""Checks everything that the bot needs, and says what to do about what is missing; `hearth doctor`."""

from bot.doctor.examination import CHECKS, examine
from bot.doctor.finding import Finding, Level

__all__ = ["CHECKS", "Finding", "Level", "examine"]
