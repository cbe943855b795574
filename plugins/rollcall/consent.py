"""What waits for a person's yes: descriptions of their photos, sealed into the button that says so.

Nothing is enrolled before that yes. The photos themselves are gone by then; what the button holds can be opened for
that person in that server alone, and counts for a quarter of an hour.
"""

import base64
import binascii
from typing import Final

import msgspec

from shared.errors import Refusal
from shared.vault import Vault, VaultError

VALID_MS: Final = 15 * 60_000


class Offer(msgspec.Struct, frozen=True):
    """The descriptions that a person was asked about, whether they join earlier ones, and when that was.

    `same_face` is the largest distance at which the model that made them takes two for one face.
    """

    faces: list[bytes]
    adding: bool
    same_face: float
    asked_ms: int

    def __repr__(self) -> str:
        """Say nothing of the faces."""
        return f"Offer({len(self.faces)} faces)"


def sealed(vault: Vault, offer: Offer, guild_id: int, user_id: int) -> str:
    """Seal an offer for a button's arguments: text that only this person, in this server, can have opened."""
    data = vault.seal(msgspec.msgpack.encode(offer), _about(guild_id, user_id))
    return base64.urlsafe_b64encode(data).decode()


def opened(vault: Vault, text: str, guild_id: int, user_id: int, now_ms: int) -> Offer:
    """Open what `sealed` made. Raises `Refusal` where it is somebody else's, or too old."""
    try:
        data = vault.open(base64.b64decode(text, altchars=b"-_", validate=True), _about(guild_id, user_id))
        offer = msgspec.msgpack.decode(data, type=Offer)
    except (VaultError, binascii.Error, ValueError, msgspec.MsgspecError):
        raise Refusal(
            "Only the person who sent the photos can agree. Enrol with photos of your own."
        ) from None
    if not 0 <= now_ms - offer.asked_ms <= VALID_MS:
        raise Refusal("That was too long ago, and nothing was kept. Send your photos again.")
    return offer


def _about(guild_id: int, user_id: int) -> str:
    return f"rollcall-consent:{guild_id}:{user_id}"
