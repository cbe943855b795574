"""Tiny transformers, saved to disk as the hub's are: BERT, T5, mT5 and BART, with random weights or taught a little.

No network. The tokenizers are learned from `WORDS` here, so the real code reads real files: WordPiece's vocab.txt for
BERT, a sentencepiece model for T5 and mT5, byte-level BPE for BART.
"""

import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from shared.checkpoint import import_transformers, save
from shared.finetune import fine_tune_classifier
from shared.model import Device

WORDS: Final = (
    *(
        "the",
        "a",
        "film",
        "food",
        "hotel",
        "room",
        "was",
        "is",
        "very",
        "not",
        "good",
        "great",
        "fine",
        "bad",
    ),
    *("awful", "poor", "and", "but", "we", "saw", "today", "in", "city", "market", "bank", "rates", "rise"),
    *("fall", "rain", "sun", "team", "wins", "cup", "final", "summarize"),
)
GOOD: Final = ("good", "great", "fine")
BAD: Final = ("bad", "awful", "poor")
HAN: Final = "好坏不很酒店房间电影今天天气新闻银行利率上升下跌下雨球队夺冠市场，。"
WIDTH: Final = 32
LINES: Final = [" ".join(WORDS), *(f"{word.capitalize()}." for word in WORDS), "a, b? c! 0 1 2 3 4 5 6 7 8 9"]
SIZES: Final = {"num_layers": 2, "num_heads": 4, "d_model": WIDTH, "d_ff": 64, "d_kv": 8}


def tiny_bert(folder: Path, labels: Sequence[str] = ("negative", "positive"), positions: int = 64) -> Path:
    """Write a BERT classifier of `labels` that knows `WORDS` and each character of `HAN`."""
    transformers = import_transformers()
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = dict.fromkeys(
        [
            "[PAD]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            "[MASK]",
            *WORDS,
            *HAN,
            *letters,
            *(f"##{c}" for c in letters),
            *"0!?.",
        ]
    )
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    _seeded(transformers.BertForSequenceClassification, config).save_pretrained(folder)
    return folder


def toy_texts(count: int, seed: int = 1, words: int = 14) -> tuple[list[str], list[int]]:
    """Make texts with more good words than bad ones, for 1, or with more bad ones, for 0, among others."""
    drawn = random.Random(seed)
    others = [word for word in WORDS if word not in {*GOOD, *BAD, "not", "but"}]
    texts = []
    for index in range(count):
        chosen = drawn.choices(others, k=words)
        most, least = ((BAD, GOOD), (GOOD, BAD))[index % 2]
        telling = [drawn.choice(most), drawn.choice(most), drawn.choice(least)][: drawn.choice((1, 2, 3))]
        for place, word in zip(drawn.sample(range(words), len(telling)), telling, strict=True):
            chosen[place] = word
        texts.append(" ".join(chosen))
    return texts, [index % 2 for index in range(count)]


def taught_bert(folder: Path, labels: Sequence[str] = ("negative", "positive")) -> Path:
    """Write a BERT classifier that was trained on `toy_texts`, and tells them nearly always."""
    texts, truth = toy_texts(1000, seed=7)
    base = tiny_bert(folder.with_name(f"{folder.name}-base"), labels)
    fine_tune_classifier(
        base,
        texts,
        truth,
        labels,
        folder,
        lambda done, note="": None,
        Device(),
        epochs=5,
        rate=3e-3,
        length=32,
    )
    return folder


def tiny_t5(folder: Path) -> Path:
    """Write a T5 that knows `WORDS`; its tokenizer is a sentencepiece model, as the original's."""
    return _with_pieces(folder, "T5", LINES * 20, feed_forward_proj="relu")


def tiny_mt5(folder: Path) -> Path:
    """Write an mT5 that knows `WORDS` and `HAN`."""
    lines = LINES * 20 + [HAN] * 40
    return _with_pieces(folder, "MT5", lines, feed_forward_proj="gated-gelu", tie_word_embeddings=False)


def tiny_bart(folder: Path) -> Path:
    """Write a BART, whose tokenizer is byte-level BPE."""
    transformers = import_transformers()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces: Any = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=marks,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces.train_from_iterator([f" {word}" for word in WORDS] * 20, trainer)
    pieces.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )
    config = transformers.BartConfig(
        vocab_size=pieces.get_vocab_size(),
        d_model=WIDTH,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=128,
    )
    save(_seeded(transformers.BartForConditionalGeneration, config), tokenizer, folder)
    return folder


def _with_pieces(folder: Path, kind: str, lines: Sequence[str], **settings: Any) -> Path:
    transformers = import_transformers()
    import sentencepiece

    folder.mkdir(parents=True, exist_ok=True)
    learned = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=learned,
        vocab_size=400,
        hard_vocab_limit=False,
        character_coverage=1.0,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    (folder / "spiece.model").write_bytes(learned.getvalue())
    config = getattr(transformers, f"{kind}Config")(
        # The tokenizer adds 100 marks of its own.
        vocab_size=sentencepiece.SentencePieceProcessor(model_proto=learned.getvalue()).vocab_size() + 100,
        decoder_start_token_id=0,
        dropout_rate=0.0,
        **SIZES,
        **settings,
    )
    _seeded(getattr(transformers, f"{kind}ForConditionalGeneration"), config).save_pretrained(folder)
    return folder


def _seeded(make: Callable[[Any], Any], config: Any) -> Any:
    """Make a model; the same each time, and without touching what others draw."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(1)
        return make(config)
