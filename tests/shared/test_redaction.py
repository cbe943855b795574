"""What is secret is known by where it stands, in whatever form it is shown; what is none is left alone."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from shared.redaction import MASK, Redactor, secrets_around, without_secrets

SECRET = 'Pa55/w@"r\\d é!'


@pytest.mark.parametrize("name", ["A_TOKEN", "SOME_API_KEY", "PASSWORD", "X_SECRET_Y", "DB_PASSWD", "apikey"])
def test_a_variable_that_is_named_so_holds_a_secret(name: str, tmp_path: Path) -> None:
    assert secrets_around({name: SECRET}, tmp_path / "none") == {SECRET}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PWD", "/home/somebody"),
        ("HEARTH_TOKEN_FILE", "/run/secrets/token"),
        ("TOKENIZERS_PARALLELISM", "disabled"),
        ("SSH_KEY_PATH", "/home/somebody/.ssh"),
        ("HEARTH_DATABASE_URL", "postgresql://hearth@localhost:5432/hearth"),
        ("A_TOKEN", "short"),
    ],
)
def test_what_is_no_secret_is_not_taken_for_one(name: str, value: str, tmp_path: Path) -> None:
    assert not secrets_around({name: value}, tmp_path / "none")


def test_passwords_of_addresses_headers_and_files_are_secrets(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of-the-file\n")
    (tmp_path / "secret.key").write_text("of-the-vault")
    (tmp_path / ".env").write_text("# OTHER_TOKEN=commented\nexport NAME_API_KEY='of-dotenv'\nNOTHING\n")
    environment = {
        "ANYTHING": f"postgresql://hearth:{quote(SECRET, safe='')}@db/hearth",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=of-the-header,authorization=Bearer%20of-the-bearer",
        "HEARTH_TOKEN_FILE": str(tmp_path / "token"),
        "HEARTH_DATA_DIR": str(tmp_path),
    }
    assert secrets_around(environment, tmp_path / ".env") == {
        quote(SECRET, safe=""),
        "of-the-header",
        "Bearer of-the-bearer",
        "of-the-bearer",
        "of-the-file",
        "of-the-vault",
        "of-dotenv",
    }


def test_a_file_that_is_too_large_or_cannot_be_read_holds_none(tmp_path: Path) -> None:
    (tmp_path / "large").write_text("A_TOKEN=of-the-large-file\n" + "#" * 100_000)
    (tmp_path / "folder").mkdir()
    for name in ("large", "folder", "none", "\0"):
        assert not secrets_around({}, tmp_path / name)


@pytest.mark.parametrize(
    "shown", [SECRET, repr(SECRET), quote(SECRET), quote(SECRET, safe=""), f"x{SECRET}y", repr({"k": SECRET})]
)
def test_a_secret_is_masked_in_whatever_form_it_is_shown(shown: str) -> None:
    for known in (SECRET, quote(SECRET, safe="")):
        cleaned = Redactor([known]).text(f"before {shown} after")
        assert MASK in cleaned
        assert "Pa55" not in cleaned
        assert cleaned.startswith("before ")
        assert cleaned.endswith(" after")


def test_values_keep_their_shape() -> None:
    cleaned = Redactor(["secret-value"]).clean(
        {"a": [1, None, "a secret-value"], "token": "x", "b": {"c": 2.5}}
    )
    assert json.dumps(cleaned) == json.dumps({"a": [1, None, f"a {MASK}"], "token": MASK, "b": {"c": 2.5}})


def test_workers_are_given_all_but_what_the_bot_alone_needs() -> None:
    environment = {
        "HEARTH_TOKEN": "x", "discord_token": "x", "HEARTH_DATABASE_URL": "x", "HEARTH_SECRET_KEY": "x",
        "HEARTH_FACT_BASE": "kept", "PATH": "kept", "OTEL_EXPORTER_OTLP_HEADERS": "kept",
    }  # fmt: skip
    assert set(without_secrets(environment).values()) == {"kept"}
