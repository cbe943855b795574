"""Where weights come from: the champion, then a pinned hub model, then what ships; what fails is passed over."""

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.model import Device
from shared.store import Store
from shared.weights import resolve
from tests.kit.trainable import NearestMean, write_points

REPOSITORY = Path(__file__).parents[2]
COMMIT = "a" * 40
FILES = {
    "means.json": b'{"low": [0, 0]}',
    "model.safetensors": b"12345678",
    "pytorch_model.bin": b"x",
    "run.py": b"x",
}


class Shipped(NearestMean):
    """A model that ships weights."""

    default = REPOSITORY / "tests" / "kit"


class Hub(BaseHTTPRequestHandler):
    """The part of the hub's HTTP interface that its client uses to download a model of four files."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, headers = self.path.partition("?")[0], {}
        if path == "/api/models/org/name/revision/v1":
            body = json.dumps(
                {"id": "org/name", "sha": COMMIT, "siblings": [{"rfilename": f} for f in FILES]}
            ).encode()
        elif path == f"/api/models/org/name/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": f, "size": len(c), "oid": f"{len(f):040x}"} for f, c in FILES.items()
            ]
            body = json.dumps(tree).encode()
        elif path.startswith(f"/org/name/resolve/{COMMIT}/"):
            name = path.rpartition("/")[2]
            body, headers = FILES[name], {"ETag": f'"{len(name):040x}"', "X-Repo-Commit": COMMIT}
        else:
            self.send_error(404)
            return
        self.send_response(200)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def add(store: Store, data: Path) -> str:
    with store.stage("nearest-mean") as folder:
        report = NearestMean.train(data, folder, lambda done, note="": None)
        return store.publish(
            "nearest-mean", folder, report=report, data=None, licence="", code="", parent=None
        ).version


def ask(store: Store, endpoint: str, model: str = "org/name@v1") -> tuple[dict[str, str], str]:
    """Resolve in a process of its own, for the hub's client reads its address when it is imported."""
    code = f"""
        import sys
        from pathlib import Path
        from shared.store import Store
        from shared.weights import resolve
        from tests.kit.trainable import NearestMean
        import msgspec
        found = resolve(NearestMean, Store(Path({str(store.root)!r})), {model!r})
        sys.stderr.write(msgspec.json.encode(found).decode())
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment, "HF_ENDPOINT": endpoint, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stderr
    *logged, answer = done.stderr.splitlines()
    return json.loads(answer), done.stdout + "\n".join(logged)


def test_without_champion_and_hub_the_default_that_ships_answers(store: Store) -> None:
    found = resolve(Shipped, store)
    assert (found.folder, found.version, found.origin) == (str(Shipped.default), "default", "default")


def test_a_model_that_ships_nothing_is_said_to_have_none(store: Store) -> None:
    found = resolve(NearestMean, store)
    assert (found.folder, found.origin) == (None, "none")


def test_the_champion_goes_before_all_else(store: Store, tmp_path: Path) -> None:
    version = add(store, write_points(tmp_path / "points.csv"))
    assert resolve(Shipped, store).origin == "default"
    store.promote("nearest-mean", version)
    found = resolve(Shipped, store, "org/name@v1")
    assert (found.version, found.origin) == (version, "store")
    assert found.folder is not None
    assert set(NearestMean.load(Path(found.folder), Device()).means) == {"low", "high"}


@pytest.mark.parametrize("damaged", ["means.json", "manifest.json"])
def test_behind_a_damaged_champion_the_one_before_answers_and_then_the_default(
    store: Store, tmp_path: Path, damaged: str
) -> None:
    data = write_points(tmp_path / "points.csv")
    first, second = add(store, data), add(store, data)
    for version in (first, second):
        store.promote("nearest-mean", version)
    (store.root / "nearest-mean" / second / damaged).write_text("{}")
    assert resolve(Shipped, store).version == first
    (store.root / "nearest-mean" / first / damaged).unlink()
    assert resolve(Shipped, store).origin == "default"


def test_a_damaged_pointer_falls_through_to_the_default(store: Store, tmp_path: Path) -> None:
    store.promote("nearest-mean", add(store, write_points(tmp_path / "points.csv")))
    (store.root / "nearest-mean" / "champion.json").write_text("not json")
    assert resolve(Shipped, store).origin == "default"


def test_a_pinned_hub_model_is_fetched_without_what_could_run_code(store: Store, hub: str) -> None:
    pytest.importorskip("huggingface_hub", reason="needs the extra `hub`")
    found, _ = ask(store, hub)
    assert (found["origin"], found["version"]) == ("hub", f"org/name@{COMMIT[:12]}")
    assert {p.name for p in Path(found["folder"]).iterdir()} == {"means.json", "model.safetensors"}
    assert store.names() == []
    # Fetched once, it answers though the hub is away.
    again, _ = ask(store, "http://127.0.0.1:9")
    assert again == found


def test_an_unreachable_hub_is_logged_once_and_passed_over(store: Store) -> None:
    pytest.importorskip("huggingface_hub", reason="needs the extra `hub`")
    found, logged = ask(store, "http://127.0.0.1:9")
    assert found["origin"] == "none"
    assert logged.count("hub model not used") == 1
    assert "Traceback" not in logged


@pytest.mark.parametrize(
    "model", ["org/name", "name@v1", "../../etc@v1", "org/name@", "https://evil.example/x@v1"]
)
def test_a_hub_model_without_a_pinned_revision_is_not_asked_for(store: Store, hub: str, model: str) -> None:
    found, logged = ask(store, hub, model)
    assert found["origin"] == "none"
    assert logged.count("hub model not used") == 1
