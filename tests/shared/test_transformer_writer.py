"""Encoder-decoders opened, asked and trained for real, with random weights made here: T5, mT5, BART."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from shared.checkpoint import Checkpoint, save
from shared.errors import BadInput, ModelUnavailable
from shared.finetune import IGNORED, Recipe, train, validation_loss, validation_part
from shared.model import Device
from shared.seq2seq import Writer, collator, fine_tune_writer
from tests.kit.tiny import HAN, WORDS, tiny_bart, tiny_bert, tiny_mt5, tiny_t5

CPU = Device()
MAKERS: dict[str, Callable[[Path], Path]] = {"t5": tiny_t5, "mt5": tiny_mt5, "bart": tiny_bart}
PAIRS = {
    "rain in the city today": "rain today",
    "the bank rates rise": "bank rates rise",
    "we saw the team in the final": "team wins the cup",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("writers")
    return {kind: make(place / kind) for kind, make in MAKERS.items()}


def quiet(done: float, note: str = "") -> None:
    """Hear of progress, and say nothing."""


@pytest.mark.parametrize("kind", MAKERS)
def test_a_batch_is_written_like_each_text_alone(folders: dict[str, Path], kind: str) -> None:
    writer = Writer.load(folders[kind], CPU, "summarize: " if kind == "t5" else "")
    texts = ["rain", " ".join(WORDS), "", "the film was good. " * 200, "bank rates"]
    together = writer.write(texts, 4, 12)
    assert together == [writer.write([text], 4, 12)[0] for text in texts]
    assert all(together)
    # Random bytes of BART's are no characters, and more bytes when they are read again.
    assert kind == "bart" or all(writer.count([text])[0] <= 14 for text in together if text)


@pytest.mark.parametrize("kind", MAKERS)
def test_no_mark_of_the_model_is_ever_written(folders: dict[str, Path], kind: str) -> None:
    (text,) = Writer.load(folders[kind], CPU).write(["the film </s><pad><unk> <extra_id_0>"], 30, 40)
    assert text
    assert not any(mark in text for mark in ("<pad>", "<unk>", "</s>", "<s>", "extra_id", "⁇"))


@pytest.mark.parametrize("kind", MAKERS)
def test_writers_overfit_a_few_pairs_and_reproduce_them_when_opened_again(
    folders: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    checkpoint = Checkpoint.at(folders[kind])
    tokenizer, model = checkpoint.tokenizer(), checkpoint.model("AutoModelForSeq2SeqLM", CPU)
    rows = [
        {"input_ids": tokenizer(source)["input_ids"], "labels": tokenizer(target)["input_ids"]}
        for source, target in PAIRS.items()
    ]
    losses = train(model, rows, rows, collator(tokenizer), Recipe(180, 1e-2, 3, 1), CPU, quiet)
    assert min(losses) < 0.2 < losses[0]
    save(model, tokenizer, tmp_path / "again")
    written = Writer.load(tmp_path / "again", CPU).write(list(PAIRS), 1, 24)
    assert written == list(PAIRS.values())


def test_the_best_epoch_is_kept_not_the_last(folders: dict[str, Path]) -> None:
    checkpoint = Checkpoint.at(folders["t5"])
    tokenizer, model = checkpoint.tokenizer(), checkpoint.model("AutoModelForSeq2SeqLM", CPU)

    def rows(pairs: dict[str, str]) -> list[dict[str, list[int]]]:
        return [
            {"input_ids": tokenizer(s)["input_ids"], "labels": tokenizer(t)["input_ids"]}
            for s, t in pairs.items()
        ]

    # What is validated on contradicts what is learned, so every epoch too many makes it worse.
    validate = rows(dict(zip(PAIRS, reversed(PAIRS.values()), strict=True)))
    collate = collator(tokenizer)
    curves: dict[str, list[float]] = {}
    losses = train(model, rows(PAIRS), validate, collate, Recipe(150, 1e-2, 3, 1), CPU, quiet, curves)
    assert curves["test"] == losses[1:]
    assert len(curves["train"]) == 150
    assert curves["train"][-1] < curves["train"][0]
    assert losses[-1] > min(losses[1:])
    assert validation_loss(model, validate, collate, 3, CPU) == pytest.approx(min(losses[1:]), rel=1e-4)


@pytest.mark.parametrize("kind", MAKERS)
def test_padded_labels_have_no_part_in_the_loss(folders: dict[str, Path], kind: str) -> None:
    checkpoint = Checkpoint.at(folders[kind])
    tokenizer, model = checkpoint.tokenizer(), checkpoint.model("AutoModelForSeq2SeqLM", CPU)
    collate = collator(tokenizer)
    short = {"input_ids": [5, 6, 7, 1], "labels": [8, 1]}
    long = {"input_ids": [5, 6, 7, 9, 10, 11, 1], "labels": [8, 9, 10, 11, 12, 13, 1]}
    together = collate([short, long])
    assert together["labels"].tolist()[0] == [8, 1, *[IGNORED] * 5]
    with torch.inference_mode():
        alone = [float(model(**collate([row])).loss) for row in (short, long)]
        both = float(model(**together).loss)
        more = torch.cat([together["labels"], torch.full((2, 3), IGNORED)], dim=1)
        padded = float(model(**{**together, "labels": more}).loss)
        wrong = together["labels"].masked_fill(together["labels"] == IGNORED, tokenizer.pad_token_id)
        counted = float(model(**{**together, "labels": wrong}).loss)
    assert both == pytest.approx((2 * alone[0] + 7 * alone[1]) / 9, rel=1e-4)
    assert padded == pytest.approx(both, rel=1e-5)
    assert counted != pytest.approx(both, rel=1e-3)


def test_it_is_known_which_script_a_model_reads(folders: dict[str, Path]) -> None:
    writers = {kind: Writer.load(folder, CPU) for kind, folder in folders.items()}
    english, chinese = " ".join(WORDS), HAN[:20]
    assert all(writer.reads(english) for writer in writers.values())
    assert [kind for kind, writer in writers.items() if writer.reads(chinese)] == ["mt5"]
    assert all(writer.reads("") for writer in writers.values())


def test_what_had_no_turn_in_time_is_not_written(folders: dict[str, Path]) -> None:
    writer = Writer.load(folders["t5"], CPU)
    assert writer.write(["rain", "sun"], 1, 8, seconds=0.0) == [None, None]
    assert all(writer.write(["rain", "sun"], 1, 8, seconds=60.0))


def test_chinese_goes_through_sentencepiece_and_back(folders: dict[str, Path], tmp_path: Path) -> None:
    assert {path.name for path in folders["mt5"].iterdir()} >= {"spiece.model", "model.safetensors"}
    sources = [
        f"今天{a}{b}。" for a in ("城市", "市场", "球队") for b in ("天气好", "下雨", "利率上升", "夺冠")
    ]
    fine_tune_writer(
        folders["mt5"], sources, ["下雨"] * len(sources), tmp_path / "new", quiet, CPU, epochs=40, rate=1e-2
    )
    assert Writer.load(tmp_path / "new", CPU).write(["今天球队下雨。"], 1, 12) == ["下雨"]


def test_weights_of_another_kind_are_refused(tmp_path: Path, folders: dict[str, Path]) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be used"):
        Writer.load(tiny_bert(tmp_path / "bert"), CPU)
    broken = Path(shutil.copytree(folders["t5"], tmp_path / "broken"))
    (broken / "spiece.model").write_bytes(b"\x0anot a protobuf")
    with pytest.raises(ModelUnavailable, match="its tokenizer"):
        Writer.load(broken, CPU)
    (broken / "spiece.model").unlink()
    with pytest.raises(ModelUnavailable, match="its tokenizer"):
        Writer.load(broken, CPU)


def test_settings_in_the_folder_do_not_change_how_is_written(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    own = Path(shutil.copytree(folders["bart"], tmp_path / "own"))
    settings = json.loads((own / "generation_config.json").read_text())
    settings |= {
        "max_length": 3,
        "min_length": 100,
        "do_sample": True,
        "num_beams": 9,
        "num_return_sequences": 9,
    }
    (own / "generation_config.json").write_text(json.dumps(settings))
    texts = ["rain in the city", "sun"]
    assert Writer.load(own, CPU).write(texts, 4, 12) == Writer.load(folders["bart"], CPU).write(texts, 4, 12)


def test_too_few_pairs_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    for sources in ([], ["rain in the city"], ["rain in the city"] * 5):
        with pytest.raises(BadInput, match="too few"):
            fine_tune_writer(folders["t5"], sources, ["rain"] * len(sources), tmp_path / "new", quiet, CPU)


def test_near_duplicates_are_validated_on_together() -> None:
    texts = [f"{'same words in every one of these ' * 4}{index % 5}" for index in range(40)]
    texts += [f"number {index} of them is about {WORDS[index % 30]} {index * 7919}" for index in range(60)]
    held = validation_part(texts)
    assert len(set(held[:40])) == 1
    assert 0 < sum(held[40:]) < 30
    assert held == validation_part(texts)
