"""A model store that many machines see: what comes out of it is what went in, or is refused."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ModelUnavailable
from shared.fingerprint import checksum
from shared.model import Interval, Report
from shared.remote_store import RemoteStore
from shared.store import MANIFEST, Damaged, Store

REPORT = Report(n=10, metrics={"accuracy": Interval(0.9, 0.8, 1.0)}, baseline={}, baseline_name="guessing")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A server that speaks S3 over HTTP, with a bucket; its address is where an operator would set it."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'hearth-bot[ray]'")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    import boto3

    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        with pytest.MonkeyPatch.context() as environment:
            point_at(environment, "http://{}:{}".format(*server.get_host_and_port()))
            client = boto3.client("s3")
            client.create_bucket(Bucket="models")
            client.close()
            yield "models"
    finally:
        server.stop()


def point_at(environment: pytest.MonkeyPatch, endpoint: str) -> None:
    """Set what S3's clients read."""
    environment.setenv("AWS_ENDPOINT_URL", endpoint)
    environment.setenv("AWS_ACCESS_KEY_ID", "key")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    environment.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind of store in turn."""
    if request.param == "file":
        return f"file://{tmp_path / 'remote'}"
    return f"s3://{request.getfixturevalue('bucket')}/{tmp_path.name}"


def trained(store: Store, text: str = "weights", name: str = "spam") -> str:
    """Make a version, and the champion of it."""
    with store.stage(name) as folder:
        (folder / "weights.json").write_text(json.dumps(text))
        (folder / "part").mkdir()
        (folder / "part" / "words.txt").write_text(text * 1000)
        manifest = store.publish(
            name, folder, report=REPORT, data=None, licence="CC0", code="test", parent=None
        )
    store.promote(name, manifest.version)
    return manifest.version


def test_a_champion_reaches_another_machine_and_so_does_going_back(tmp_path: Path, url: str) -> None:
    here, there, remote = Store(tmp_path / "here"), Store(tmp_path / "there"), RemoteStore(url)
    assert not remote.exchange(here, "spam")
    first, second = trained(here, "first"), trained(here, "second")
    assert not remote.exchange(here, "spam")
    assert remote.exchange(there, "spam")
    assert there.champion("spam") == second
    assert (there.open("spam", second) / "part" / "words.txt").read_text() == "second" * 1000
    assert there.report("spam", second).n == 10
    # Nothing is new on either side.
    assert not remote.exchange(there, "spam")
    assert not remote.exchange(here, "spam")
    assert there.rollback("spam") == first
    assert not remote.exchange(there, "spam")
    assert remote.exchange(here, "spam")
    assert here.champion("spam") == first


def test_a_node_fetches_a_version_once_and_knows_it_by_its_seal(tmp_path: Path, url: str) -> None:
    here, cache, remote = Store(tmp_path / "here"), Store(tmp_path / "cache"), RemoteStore(url)
    version = trained(here)
    seal = checksum(here.open("spam", version) / MANIFEST)
    assert remote.publish(here, "spam", version)
    assert not remote.publish(here, "spam", version)
    folder = remote.fetch("spam", version, seal, cache)
    assert folder == cache.open("spam", version)
    stamp = folder.stat().st_ino
    assert remote.fetch("spam", version, seal, cache).stat().st_ino == stamp
    # What is damaged in the cache is fetched again.
    (folder / "weights.json").write_text("{}")
    assert remote.fetch("spam", version, seal, cache).stat().st_ino != stamp
    assert (cache.open("spam", version) / "weights.json").read_text() == '"weights"'
    with pytest.raises(Damaged, match="has changed since it was written"):
        remote.fetch("spam", version, "0" * 64, cache)
    with pytest.raises(ModelUnavailable, match="has no version 20260101T000000-0000"):
        remote.fetch("spam", "20260101T000000-0000", None, cache)


def edited(remote: Path, version: str, **changes: Any) -> None:
    """Change the manifest in a store that is a folder."""
    path = remote / "spam" / version / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"../outside": "0" * 64}, "no file of a version"),
        ({"/etc/passwd": "0" * 64}, "no file of a version"),
        ({"a/../../outside": "0" * 64}, "no file of a version"),
        ({"a\\b": "0" * 64}, "no file of a version"),
        ({"weights.pkl": "0" * 64}, "pickle, which is never loaded"),
        ({"weights.json": "0" * 64}, "has changed since it was written"),
        ({"absent.json": "0" * 64}, "is missing"),
    ],
)
def test_a_version_that_was_tampered_with_is_refused(
    tmp_path: Path, files: dict[str, str], match: str
) -> None:
    here, cache, remote = Store(tmp_path / "here"), Store(tmp_path / "cache"), tmp_path / "remote"
    (tmp_path / "outside").write_text("not of the store")
    version = trained(here)
    RemoteStore(f"file://{remote}").publish(here, "spam", version)
    edited(remote, version, files=files)
    with pytest.raises(Damaged, match=match):
        RemoteStore(f"file://{remote}").fetch("spam", version, None, cache)
    assert cache.versions("spam") == []
    assert list((tmp_path / "cache").rglob("*outside*")) == []


def test_another_versions_manifest_is_refused(tmp_path: Path) -> None:
    here, cache, remote = Store(tmp_path / "here"), Store(tmp_path / "cache"), tmp_path / "remote"
    version = trained(here)
    RemoteStore(f"file://{remote}").publish(here, "spam", version)
    edited(remote, version, model="fact")
    with pytest.raises(Damaged, match="is the manifest of fact"):
        RemoteStore(f"file://{remote}").fetch("spam", version, None, cache)


def test_a_store_that_is_away_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'hearth-bot[ray]'")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        point_at(monkeypatch, f"http://127.0.0.1:{closed.getsockname()[1]}")
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        RemoteStore("s3://models").pointer("spam")
    with pytest.raises(ModelUnavailable, match="cannot be used"):
        RemoteStore("nonsense://models")
