"""What a check found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """What one check saw, and what to do where it is not well."""

    name: str
    level: Level
    seen: str
    remedy: str = ""
