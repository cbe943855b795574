"""People in a class for tests: each asks through the core as chat does, in a server, with permissions of their own."""

import io
import random
import struct
from dataclasses import dataclass, replace
from typing import Any, Self

import matplotlib
from PIL import Image

from bot.core import Core
from plugins.rollcall.people import enrol
from shared.context import Asker, Tracker
from shared.inputs import Upload
from shared.reply import Reply
from shared.vault import Vault

GUILD, CHANNEL = 10, 20
MANAGES = 1 << 5
SAME_FACE = 0.5


@dataclass(frozen=True)
class Member:
    """One person in one channel of a server; `await member("rollcall", "mine")` answers or raises."""

    core: Core
    asker: Asker

    @classmethod
    def of(
        cls, core: Core, user_id: int, name: str = "", *, permissions: int = 0, guild: int = GUILD
    ) -> Self:
        """Return somebody in the first channel of a server; without a name, they are called by their number."""
        name = name or f"member {user_id}"
        return cls(core, Asker(user_id, name, "en-US", guild, CHANNEL + guild, permissions))

    def but(self, **changes: Any) -> "Member":
        """Return the same person elsewhere, or under another name."""
        return Member(self.core, replace(self.asker, **changes))

    async def __call__(self, group: str, command: str, /, **raw: Any) -> Reply:
        """Ask for a command, with the checks that stand before it."""
        found, declared = self.core.find(group, command)
        self.core.allow(found, declared, self.asker)
        return await self.core.run(found, declared, raw, self.asker, Tracker())

    async def press(self, reply: Reply, label: str) -> Reply:
        """Press the button of this label."""
        (button,) = [each for each in reply.buttons if each.label == label]
        return await self("rollcall", button.command, **dict(button.arguments))

    def vault(self) -> Vault:
        """Return the vault that commands get."""
        found, _ = self.core.find("rollcall", "mine")
        return self.core.context(found, self.asker, Tracker(), 30.0).vault

    async def enrolled(self, *faces: bytes, now_ms: int = 1_000, adding: bool = False) -> int:
        """Enrol this person with descriptions, as pressing "I agree" does."""
        return await enrol(
            self.core.database,
            self.vault(),
            now_ms,
            guild_id=self.asker.guild_id or 0,
            user_id=self.asker.user_id,
            name=self.asker.name,
            faces=faces or (made_up(self.asker.user_id),),
            adding=adding,
            same_face=SAME_FACE,
        )


def made_up(seed: int, away: float = 0.0) -> bytes:
    """Return a description of nobody's face: two seeds are far apart, `away` moves one by that distance."""
    chance = random.Random(seed)
    numbers = [chance.gauss(0.0, 0.1) for _ in range(128)]
    numbers[0] += away
    return struct.pack("<128f", *numbers)


def portrait(width: int = 400) -> Upload:
    """Return the photo of a face that Matplotlib ships (Grace Hopper, by the US Navy; public domain)."""
    return Upload("portrait.jpg", _jpeg(_hopper(width)))


def pair(width: int = 400) -> Upload:
    """Return one picture with that face twice, the second turned round."""
    one = _hopper(width)
    both = Image.new("RGB", (2 * one.width, one.height))
    both.paste(one, (0, 0))
    both.paste(one.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (one.width, 0))
    return Upload("pair.jpg", _jpeg(both))


def landscape() -> Upload:
    """Return a picture without a face."""
    return Upload("landscape.jpg", _jpeg(Image.linear_gradient("L").resize((320, 240)).convert("RGB")))


def _hopper(width: int) -> Image.Image:
    with Image.open(f"{matplotlib.get_data_path()}/sample_data/grace_hopper.jpg") as source:
        return source.convert("RGB").resize((width, width * source.height // source.width))


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()
