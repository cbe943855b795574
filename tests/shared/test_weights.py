"""Where weights come from: the champion, then a pinned hub model, then what ships; what fails is passed over."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import BadInput, ModelUnavailable
from shared.model import Device
from shared.store import Store
from shared.transformer import TextClassifier
from shared.weights import base_folder, resolve
from tests.kit.hub import COMMIT, files_of, hub
from tests.kit.tiny import tiny_bert, tiny_mt5
from tests.kit.trainable import NearestMean, write_points

REPOSITORY = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
FILES = {
    "means.json": b'{"low": [0, 0]}',
    "model.safetensors": b"12345678",
    "pytorch_model.bin": b"x",
    "run.py": b"x",
    "onnx/model.onnx": b"x",
    "model.onnx": b"x",
}


class Shipped(NearestMean):
    """A model that ships weights."""

    default = REPOSITORY / "tests" / "kit"


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


def test_a_pinned_hub_model_is_fetched_without_what_could_run_code(store: Store) -> None:
    with hub(FILES) as endpoint:
        found, _ = ask(store, endpoint)
    assert (found["origin"], found["version"]) == ("hub", f"org/name@{COMMIT[:12]}")
    assert {p.name for p in Path(found["folder"]).iterdir()} == {"means.json", "model.safetensors"}
    assert store.names() == []
    # Fetched once, it answers though the hub is away.
    again, _ = ask(store, NOWHERE)
    assert again == found


def test_onnx_is_fetched_where_there_is_no_safetensors(store: Store) -> None:
    with hub({name: content for name, content in FILES.items() if name != "model.safetensors"}) as endpoint:
        found, _ = ask(store, endpoint)
    assert {p.name for p in Path(found["folder"]).iterdir()} == {"means.json", "model.onnx"}


def test_a_hub_model_with_pickles_alone_is_told_and_passed_over(store: Store) -> None:
    with hub({"config.json": b"{}", "pytorch_model.bin": b"x", "model.pt": b"x"}) as endpoint:
        found, logged = ask(store, endpoint)
    assert found["origin"] == "none"
    assert "org/name@v1 holds no weights as safetensors or ONNX" in logged
    assert not list(store.root.rglob("*.bin"))


@pytest.mark.parametrize("make", [tiny_bert, tiny_mt5])
def test_a_tiny_transformer_comes_from_a_hub_whole(
    store: Store, tmp_path: Path, make: Callable[..., Path]
) -> None:
    folder = make(tmp_path / "made")
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with hub(files_of(folder)) as endpoint:
        found, _ = ask(store, endpoint)
    fetched = Path(found["folder"])
    assert files_of(fetched) == {k: v for k, v in files_of(folder).items() if k != "pytorch_model.bin"}
    if make is tiny_bert:
        text = ["the film was good"]
        ours, theirs = (TextClassifier.load(each, Device()).probabilities(text) for each in (folder, fetched))
        assert ours.tolist() == theirs.tolist()
    else:
        assert (fetched / "spiece.model").is_file()


def test_the_base_of_a_training_is_a_folder_or_a_pinned_hub_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    assert base_folder(str(tmp_path), tmp_path / "cache") == tmp_path
    for wrong in ("nowhere", "org/name", str(tmp_path / "gone"), "org/name@" + "x" * 200):
        with pytest.raises(BadInput, match="neither a folder nor of the form"):
            base_folder(wrong, tmp_path / "cache")
    with hub(FILES) as endpoint:
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        fetched = base_folder("org/name@v1", tmp_path / "cache")
        assert (fetched / "model.safetensors").read_bytes() == FILES["model.safetensors"]
        with pytest.raises(
            ModelUnavailable,
            match="org/other@v1 cannot be had: ",
        ):
            base_folder("org/other@v1", tmp_path / "cache")


def test_a_hub_model_that_cannot_be_loaded_leaves_the_default_answering(tmp_path: Path) -> None:
    with hub({"config.json": b"{}", "model.safetensors": b"12345678"}) as endpoint:
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", "predict", "spam"],
            input=b'{"text": "You have won a free prize, call now!"}\n',
            capture_output=True,
            timeout=120,
            cwd=tmp_path,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HEARTH_"))},
                "PYTHONPATH": str(REPOSITORY),
                "HF_ENDPOINT": endpoint,
                "HEARTH_HUB": '{"spam": "org/name@v1"}',
                "HEARTH_DATA_DIR": str(tmp_path / "data"),
            },
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spam"] is True
    said = [line for line in done.stderr.decode().splitlines() if "weights not usable" in line]
    assert len(said) == 1
    assert f"org/name@{COMMIT[:12]}" in said[0]


def test_an_unreachable_hub_is_logged_once_and_passed_over(store: Store) -> None:
    found, logged = ask(store, NOWHERE)
    assert found["origin"] == "none"
    assert logged.count("hub model not used") == 1
    assert "Traceback" not in logged


@pytest.mark.parametrize(
    "model", ["org/name", "name@v1", "../../etc@v1", "org/name@", "https://evil.example/x@v1"]
)
def test_a_hub_model_without_a_pinned_revision_is_not_asked_for(store: Store, model: str) -> None:
    with hub(FILES) as endpoint:
        found, logged = ask(store, endpoint, model)
    assert found["origin"] == "none"
    assert logged.count("hub model not used") == 1
