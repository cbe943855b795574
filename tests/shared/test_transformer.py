"""A classifier of the BERT kind, opened, asked and trained for real, with random weights made here."""

import json
import random
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from shared.checkpoint import Checkpoint, encode, is_transformer
from shared.errors import BadInput, ModelUnavailable
from shared.model import Device
from shared.transformer import WINDOWS, TextClassifier, batches, fine_tune_classifier
from tests.kit.tiny import WORDS, tiny_bert

CPU = Device()
NAMES = ("bad", "good", "plain")
GOOD, BAD, OTHER = (
    ("good", "great", "fine", "好"),
    ("bad", "awful", "poor", "坏"),
    ("the", "film", "hotel", "was", "very", "酒", "店"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert") / "tiny")


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copied"))


def toys(count: int, seed: int, labels: int = 2) -> tuple[list[str], list[int]]:
    """Make reviews in which one word decides, among others that say nothing; the third label has none that does."""
    drawn = random.Random(seed)
    texts, truth = [], []
    for index in range(count):
        label = index % labels
        words = drawn.choices(OTHER, k=drawn.randint(4, 10))
        words[drawn.randrange(len(words))] = drawn.choice((BAD, GOOD, OTHER)[label])
        texts.append(" ".join(words))
        truth.append(label)
    return texts, truth


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    steps: list[float] = []
    place = tmp_path_factory.mktemp("trained") / "new"
    texts, labels = toys(600, 1, labels=3)
    fine_tune_classifier(
        folder, texts, labels, NAMES, place, lambda done, note="": steps.append(done), CPU,
        epochs=4, rate=3e-3, batch=16, length=32,
    )  # fmt: skip
    return place, steps


def test_a_batch_is_answered_like_each_text_alone(folder: Path) -> None:
    model = TextClassifier.load(folder, CPU)
    texts = ["good", "", "酒店很好", " ".join(WORDS * 20), "the film was very bad!", "   ", "zzz " * 500]
    together = model.probabilities(texts)
    assert together.shape == (len(texts), 2)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    np.testing.assert_allclose(together, np.concatenate([model.probabilities([t]) for t in texts]), atol=1e-5)
    assert model.labels == ("negative", "positive")


def test_a_long_text_is_read_in_windows_and_no_more_than_so_many(trained: tuple[Path, list[float]]) -> None:
    model = TextClassifier.load(trained[0], CPU)
    filler = "the film was the hotel " * 30
    mild, deep = model.probabilities(["good " + filler, filler + "good good good"])
    # What stands far behind the first window is read too.
    assert deep[1] > model.probabilities([filler])[0][1]
    assert 0 < mild[1] < 1
    beyond = "the " * (WINDOWS * 64)
    np.testing.assert_array_equal(
        model.probabilities([beyond + "good " * 2000]), model.probabilities([beyond + "bad " * 2000])
    )
    assert len(model.probabilities(["x" * 3_000_000])) == 1


def test_fine_tuning_learns_what_decides(trained: tuple[Path, list[float]], folder: Path) -> None:
    place, steps = trained
    model = TextClassifier.load(place, CPU)
    texts, labels = toys(240, 2, labels=3)
    right = (model.probabilities(texts).argmax(axis=1) == labels).mean()
    before = (TextClassifier.load(folder, CPU).probabilities(texts).argmax(axis=1) == labels).mean()
    assert right > 0.95 > 0.8 > before
    assert model.labels == NAMES
    assert steps == sorted(steps)
    assert steps[-1] == pytest.approx(1.0)


def test_what_is_written_is_safetensors_and_names_no_place(
    trained: tuple[Path, list[float]], folder: Path
) -> None:
    names = {path.name for path in trained[0].iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert all(name.endswith((".json", ".safetensors", ".txt")) for name in names)
    assert is_transformer(trained[0])
    written = "".join(p.read_text() for p in trained[0].glob("*.json"))
    assert str(folder) not in written
    assert str(folder.parent) not in written


def test_training_twice_with_one_seed_gives_the_same_model(folder: Path, tmp_path: Path) -> None:
    texts, labels = toys(40, 3)
    found = []
    for name in ("one", "two"):
        fine_tune_classifier(
            folder, texts, labels, ("bad", "good"), tmp_path / name, lambda done, note="": None, CPU,
            epochs=1, rate=1e-3, length=32,
        )  # fmt: skip
        found.append((tmp_path / name / "model.safetensors").read_bytes())
    assert found[0] == found[1]


def test_a_base_with_another_head_gets_a_new_one(folder: Path, tmp_path: Path) -> None:
    texts, labels = toys(60, 4)
    labels = [label + (index % 4 == 3) for index, label in enumerate(labels)]
    fine_tune_classifier(
        folder, texts, labels, ("a", "b", "c"), tmp_path / "three", lambda done, note="": None, CPU, epochs=1
    )
    assert TextClassifier.load(tmp_path / "three", CPU).labels == ("a", "b", "c")


def test_a_base_that_tells_the_same_labels_keeps_what_it_knows(
    trained: tuple[Path, list[float]], tmp_path: Path
) -> None:
    texts, labels = toys(120, 8, labels=3)
    order = ("PLAIN", "GOOD", "BAD")
    fine_tune_classifier(
        trained[0], texts, [2 - label for label in labels], order, tmp_path / "more", lambda done, note="": None, CPU,
        epochs=1, rate=1e-6,
    )  # fmt: skip
    model = TextClassifier.load(tmp_path / "more", CPU)
    assert model.labels == NAMES
    found = model.probabilities(texts).argmax(axis=1)
    assert (found == labels).mean() > 0.9


def test_the_word_that_decides_weighs_most(trained: tuple[Path, list[float]]) -> None:
    model = TextClassifier.load(trained[0], CPU)
    for text, word, label in (
        ("the hotel was very  awful, the film", "awful", 0),
        ("The Film was GREAT the hotel was", "GREAT", 1),
        ("酒店的酒好店", "好", 1),
        ("the film was the hotel " * 30 + "good", "good", 1),
    ):
        found = model.attributions(text, label)
        first = found[0]
        assert text[first.start : first.end] == word
        assert first.weight > 0
        assert all(0 <= a.start < a.end <= len(text) for a in found)
        assert len(found) <= 16
        # It speaks against there being no such word; of a long text, other windows are looked at then.
        against = [a for a in model.attributions(text, 2) if a[:2] == first[:2]]
        assert all(a.weight < 0 for a in against)
        assert against or len(text) > 100
    assert model.attributions("") == []
    assert model.attributions("!!! ...") == []


def test_texts_are_explained_as_far_as_time_goes(trained: tuple[Path, list[float]]) -> None:
    model = TextClassifier.load(trained[0], CPU)
    texts = ["the hotel was awful", "", "the film was good"]
    assert model.explanations(texts, 1) == [model.attributions(text, 1) for text in texts]
    assert model.explanations(texts, 1, seconds=0.0) == [[], [], []]


def test_subwords_are_put_together_to_words(folder: Path) -> None:
    text = "the unknowable film's end"
    found = TextClassifier.load(folder, CPU).attributions(text)
    assert {text[a.start : a.end] for a in found} == {"the", "unknowable", "film's", "end"}


def test_marks_of_the_model_in_a_text_are_text(folder: Path) -> None:
    checkpoint = Checkpoint.at(folder)
    tokenizer = checkpoint.tokenizer()
    for text in ("good [SEP] bad", "[CLS][MASK][PAD]", "[SEP]"):
        (found,) = encode(tokenizer, text, checkpoint.vocabulary, 64)
        inside = set(found.ids[1:-1])
        assert not inside & (set(tokenizer.all_special_ids) - {tokenizer.unk_token_id})
    # A token that the model does not know, as some hub models' tokenizers have, is an unknown word.
    (found,) = encode(tokenizer, "good", tokenizer.convert_tokens_to_ids("good"), 64)
    assert found.ids[1] == tokenizer.unk_token_id


def test_batches_hold_every_row_once_and_keep_to_their_size() -> None:
    lengths = [3, 900, 2, 2, 7, 7, 50]
    found = list(batches(lengths, tokens=100))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 100 for b in found)
    assert list(batches([])) == []


def test_opening_a_folder_asks_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def connect(self: socket.socket, address: object) -> None:
        asked.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert TextClassifier.load(folder, CPU).labels
    assert asked == []


def test_nothing_is_printed_while_a_model_is_opened_and_trained(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    texts, labels = toys(20, 6)
    silent = lambda done, note="": None  # noqa: E731
    fine_tune_classifier(folder, texts, labels, ("bad", "good"), tmp_path / "new", silent, CPU, epochs=1)
    TextClassifier.load(tmp_path / "new", CPU).attributions("good film")
    assert capfd.readouterr() == ("", "")


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (Path.write_text, (Path(self.mark), "boom"))  # type: ignore[return-value]


def test_a_pickle_beside_or_instead_of_the_weights_is_not_read(copied: Path, tmp_path: Path) -> None:
    import pickle

    mark = tmp_path / "mark"
    bomb = pickle.dumps(Bomb(str(mark)))
    pickle.loads(bomb)
    assert mark.exists()
    mark.unlink()
    for name in ("pytorch_model.bin", "adapter_model.bin", "model.pt"):
        (copied / name).write_bytes(bomb)
    assert TextClassifier.load(copied, CPU).labels
    config = json.loads((copied / "config.json").read_text())
    for hint in ("pytorch_model.bin", "adapter_model.bin"):
        (copied / "config.json").write_text(json.dumps(config | {"transformers_weights": hint}))
        with pytest.raises(ModelUnavailable, match="names a file of weights"):
            TextClassifier.load(copied, CPU)
    (copied / "config.json").write_text(json.dumps(config))
    (copied / "model.safetensors").rename(copied / "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": {"classifier.bias": "pytorch_model.bin"}}
    (copied / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelUnavailable, match="no safetensors file beside it"):
        TextClassifier.load(copied, CPU)
    (copied / "model-00001-of-00001.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=r"it has no model\.safetensors"):
        TextClassifier.load(copied, CPU)
    assert not is_transformer(copied)
    assert not mark.exists()


def test_code_in_the_folder_is_not_run(copied: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (copied / "own.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    config = json.loads((copied / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "own.Config",
        "AutoModelForSequenceClassification": "own.Model",
        "AutoTokenizer": ["own.Tokenizer", None],
    }
    for kind in ("bert", "ownkind"):
        (copied / "config.json").write_text(json.dumps(config | {"model_type": kind}))
        (copied / "tokenizer_config.json").write_text(json.dumps({"auto_map": config["auto_map"]}))
        try:
            TextClassifier.load(copied, CPU)
        except ModelUnavailable:
            assert kind == "ownkind"
    assert not mark.exists()


def test_damaged_folders_are_told_in_one_line(copied: Path, tmp_path: Path) -> None:
    weights = (copied / "model.safetensors").read_bytes()
    config = (copied / "config.json").read_text()
    for name, content, message in (
        ("config.json", "{", r"config\.json cannot be read"),
        ("config.json", "[]", "holds no object"),
        ("config.json", "{}", "names no architecture"),
        ("config.json", config.replace('"hidden_size": 32', '"hidden_size": 48'), "RuntimeError|ValueError|lacks"),
        ("config.json", config.replace('"0": "negative",', ""), "."),
        ("vocab.txt", "\n".join(f"word{i}" for i in range(127)), "cannot be used: WordPiece|cannot be used: Exception"),
        ("vocab.txt", None, "its tokenizer"),
        ("model.safetensors", weights[: len(weights) // 2], "SafetensorError"),
        ("model.safetensors", b"", "SafetensorError"),
        ("model.safetensors", weights[:-4000] + b"\xff" * 4000, "no number"),
        ("config.json", config.replace('"model_type": "bert"', '"model_type": "martian"'), "martian|ValueError"),
    ):  # fmt: skip
        broken = Path(shutil.copytree(copied, tmp_path / "broken", dirs_exist_ok=False))
        match content:
            case None:
                (broken / name).unlink()
            case str():
                (broken / name).write_text(content)
            case bytes():
                (broken / name).write_bytes(content)
        with pytest.raises(ModelUnavailable, match=message) as raised:
            TextClassifier.load(broken, CPU)
        assert "\n" not in str(raised.value)
        assert str(tmp_path) not in str(raised.value)
        shutil.rmtree(broken)


def test_an_encoder_without_a_trained_head_is_refused_but_can_be_a_base(copied: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("classifier")}
    save_file(kept, copied / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"not trained for this, as it lacks classifier\.bias"):
        TextClassifier.load(copied, CPU)
    texts, labels = toys(40, 5)
    arguments = (texts, labels, ("bad", "good"), tmp_path / "new", lambda done, note="": None, CPU)
    fine_tune_classifier(copied, *arguments, epochs=1)
    assert TextClassifier.load(tmp_path / "new", CPU).labels == ("bad", "good")
    # Without its encoder it is no base.
    save_file({n: v for n, v in kept.items() if "encoder.layer.1" not in n}, copied / "model.safetensors")
    with pytest.raises(ModelUnavailable, match=r"lacks bert\.encoder"):
        fine_tune_classifier(copied, *arguments, epochs=1)


@pytest.mark.parametrize(
    "settings", [{"problem_type": "multi_label_classification"}, {"problem_type": "regression"}]
)
def test_what_does_not_choose_one_label_is_refused(copied: Path, settings: dict[str, str]) -> None:
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | settings))
    with pytest.raises(ModelUnavailable, match="does not choose one"):
        TextClassifier.load(copied, CPU)


@pytest.mark.parametrize(
    ("texts", "labels"),
    [([], []), (["good"] * 20, [0, 1] * 10), (["good", "great"], [0, 1]), (["good", "bad", "fine", "poor"], [1] * 4)],
    ids=["none", "one text", "one each", "one label"],
)  # fmt: skip
def test_too_few_texts_to_train_on_are_refused(
    folder: Path, tmp_path: Path, texts: list[str], labels: list[int]
) -> None:
    with pytest.raises(BadInput, match="too few"):
        fine_tune_classifier(
            folder, texts, labels, ("bad", "good"), tmp_path / "new", lambda done, note="": None, CPU
        )
    assert not (tmp_path / "new").exists()
