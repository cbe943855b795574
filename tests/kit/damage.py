"""Damages the files of a model as accidents and attackers do: every model must refuse each in one sentence."""

import json
from pathlib import Path
from typing import Final

PICKLE: Final = b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07failure\x94."
"""A pickle, which could as well run code: nothing may open it."""
DAMAGES: Final = ("no file", "cut short", "pickle", "not json", "no object", "no json", "other format")


def damage(folder: Path, kind: str, numbers: str = "weights.safetensors", words: str = "model.json") -> None:
    """Damage the numbers or the words of a model in one of the `DAMAGES`."""
    tensors, document = folder / numbers, folder / words
    match kind:
        case "no file":
            tensors.unlink()
        case "cut short":
            tensors.write_bytes(tensors.read_bytes()[:-9])
        case "pickle":
            tensors.write_bytes(PICKLE)
        case "not json":
            document.write_bytes(b"\xff\xfe{")
        case "no object":
            document.write_text("[]")
        case "no json":
            document.unlink()
        case "other format":
            said = json.loads(document.read_text(encoding="utf-8"))
            if "format" not in said:
                raise ValueError(f"{words} has no format that could be another")
            document.write_text(json.dumps(said | {"format": 99}), encoding="utf-8")
        case _:
            raise ValueError(f"there is no damage {kind!r}")
