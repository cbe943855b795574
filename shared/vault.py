"""Encryption at rest of what is most personal: AES-256-GCM, by a key of the installation.

The key comes from `HEARTH_SECRET_KEY`, or lies in a file of the data folder that only its owner can read. A backup of
the database without it is unreadable; whoever loses it loses what was sealed.
"""

import base64
import binascii
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from shared.errors import Fault
from shared.settings import Settings

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
FILE: Final = "secret.key"
_VERSION: Final = b"\x01"


class VaultError(Fault):
    """Sealed bytes cannot be opened: another key, another owner, or they were changed."""


class Vault:
    """Seals and opens bytes; `about` names whose they are, so that nobody's can be put in another's place."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(key) != KEY_BYTES:
            raise ValueError(f"the key must have {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take the key that is set, or that of the data folder, made when first needed. Raises `ValueError`."""
        if settings.secret_key is not None:
            return cls(_decoded(settings.secret_key.get_secret_value()))
        return cls(_kept(settings.data_dir / FILE))

    def seal(self, data: bytes, about: str) -> bytes:
        """Encrypt `data`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, data, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Decrypt what `seal` made for the same `about`. Raises `VaultError`."""
        from cryptography.exceptions import InvalidTag

        nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise ValueError
            return self._cipher.decrypt(nonce, rest, about.encode())
        except (InvalidTag, ValueError):
            raise VaultError("What was kept cannot be decrypted: the secret key is another one.") from None


def _decoded(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text.strip() + "==")
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError("HEARTH_SECRET_KEY must be 32 bytes in URL-safe base64")
    return key


def _kept(path: Path) -> bytes:
    """Read the key file, or make it: whole or not at all, even where two processes start at once."""
    with suppress(FileNotFoundError):
        return _decoded(path.read_text(encoding="ascii"))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link fails where the name is there already; a rename would replace another's key.
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
    return _decoded(path.read_text(encoding="ascii"))
