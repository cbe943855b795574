"""What is sealed is opened by its key and for its owner alone."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.vault import FILE, Vault, VaultError


def settings(folder: Path, key: str | None = None) -> Settings:
    return Settings(_env_file=None, data_dir=folder, secret_key=key)


def test_sealed_bytes_come_back_for_their_owner_after_a_restart(tmp_path: Path) -> None:
    sealed = Vault.of(settings(tmp_path)).seal(b"a face", "rollcall:1:2")
    assert b"a face" not in sealed
    assert Vault.of(settings(tmp_path)).open(sealed, "rollcall:1:2") == b"a face"
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_nobody_elses_and_nothing_changed_is_opened(tmp_path: Path) -> None:
    vault = Vault.of(settings(tmp_path))
    sealed = vault.seal(b"a face", "rollcall:1:2")
    for wrong, about in (
        (sealed, "rollcall:1:3"),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), "rollcall:1:2"),
        (b"\x02" + sealed[1:], "rollcall:1:2"),
        (sealed[:8], "rollcall:1:2"),
        (b"", "rollcall:1:2"),
    ):
        with pytest.raises(VaultError):
            vault.open(wrong, about)
    with pytest.raises(VaultError):
        Vault(bytes(32)).open(sealed, "rollcall:1:2")


def test_equal_bytes_are_sealed_differently_each_time(tmp_path: Path) -> None:
    vault = Vault.of(settings(tmp_path))
    assert len({vault.seal(b"same", "x") for _ in range(20)}) == 20


def test_a_key_that_is_set_is_used_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    key = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")
    sealed = Vault.of(settings(tmp_path, key)).seal(b"x", "y")
    assert Vault(bytes(range(32))).open(sealed, "y") == b"x"
    assert not (tmp_path / FILE).exists()
    with pytest.raises(ValueError, match="HEARTH_SECRET_KEY"):
        Vault.of(settings(tmp_path, "short"))


def test_processes_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: Vault.of(settings(tmp_path)), range(8)))
    sealed = vaults[0].seal(b"x", "y")
    assert {vault.open(sealed, "y") for vault in vaults} == {b"x"}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
