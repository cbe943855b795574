"""`/lesson attention`: words as vectors, with and without meaning, and how the words of a sentence attend to each
other."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from plugins.lesson.attentions import (
    AttentionRequest,
    AttentionResult,
    Attentions,
    AttentionWords,
    Neighbour,
    Pieces,
)
from shared.command import Range, command
from shared.context import Context
from shared.reply import Field, Picture, Reply, escape
from shared.texts import joined

LONGEST: Final = 30
"""Characters of a word that are shown in a sentence."""


@command()
async def attention(
    ctx: Context,
    text: Annotated[str, Range(1, 400)],
    word: Annotated[str, Range(1, 40)] | None = None,
    scaled: Literal["yes", "no"] = "yes",
    temperature: Annotated[float, Range(0.1, 100)] = 4.0,
    pieces: Pieces = "words",
) -> Reply:
    """See words as vectors, and how the words of a sentence attend to each other

    text: a sentence of 2 to 24 words, English or Chinese
    word: whose neighbours to show; otherwise the longest word of the sentence
    scaled: divide dot products by the root of the dimensions, or see what happens without
    temperature: divides them too; higher spreads attention, lower sharpens it
    pieces: cut Chinese into words or characters
    """
    ctx.progress(0.1, ctx.text("encoding and drawing"))
    result = await ctx.predict(
        Attentions,
        AttentionRequest(
            text=text,
            word=word,
            pieces=pieces,
            scaled=scaled == "yes",
            temperature=temperature,
            words=AttentionWords(
                one_hot=ctx.text("One-hot: similarity"),
                embedding=ctx.text("Embedding: similarity"),
                attention=ctx.text(
                    "Attention: softmax({formula}), in %", formula=_formula(scaled, temperature)
                ),
                from_label=ctx.text("from"),
                to_label=ctx.text("to"),
            ),
        ),
    )
    return Reply(
        title=ctx.text("Words as vectors, and their attention"),
        text="\n\n".join(
            (
                _vectors(ctx, result),
                joined((_weights(ctx, result), _scaling(ctx, result, scaled))),
                _limits(ctx),
            )
        ),
        fields=(
            Field(
                ctx.text("English neighbours of {word}", word=_word(result.word)),
                _listed(result.english),
            ),
            Field(
                ctx.text("Chinese neighbours of {word}", word=_word(result.word)),
                _listed(result.chinese),
            ),
            Field(
                ctx.text("Spread of a row"),
                ctx.text("{reach:.1f} of {count} tokens", reach=result.reach, count=len(result.tokens)),
            ),
        ),
        pictures=(
            Picture(
                result.similarity_png,
                ctx.text(
                    "Two tables of {count} words against each other: one-hot, 1 on the diagonal and 0 elsewhere; "
                    "embedding, from {low:.2f} to {high:.2f} off the diagonal.",
                    count=result.distinct,
                    low=result.low,
                    high=result.high,
                ),
                "similarity.png",
            ),
            Picture(
                result.attention_png,
                ctx.text(
                    "How each of {count} tokens (rows) shares its attention among all (columns); the most paid to "
                    "another word is {share}, by {one} to {other}.",
                    count=len(result.tokens),
                    share=_share(result.strongest.value),
                    one=_short(result.strongest.one),
                    other=_short(result.strongest.other),
                ),
                "attention.png",
            ),
        ),
    )


def _formula(scaled: str, temperature: float) -> str:
    """Write what softmax is taken of."""
    match scaled == "yes", temperature == 1:
        case True, True:
            return "QKᵀ / √d"
        case True, False:
            return f"QKᵀ / ({temperature:g}·√d)"
        case False, True:
            return "QKᵀ"
    return f"QKᵀ / {temperature:g}"


def _vectors(ctx: Context, result: AttentionResult) -> str:
    if result.distinct == 2:
        return ctx.text(
            "One-hot gives each word a place of its own, so two different words have a similarity of 0, whatever they "
            "mean; the encoder's vectors of {dimensions} numbers say {value:.2f} of {one} and {other}.",
            dimensions=result.dimensions, value=result.nearest.value, one=_word(result.nearest.other),
            other=_word(result.nearest.one),
        )  # fmt: skip
    return ctx.text(
        "One-hot gives each word a place of its own, so any two different words have a similarity of 0 and none is "
        "nearer than another; the encoder's vectors of {dimensions} numbers put, of the words that carry meaning, "
        "{near} and {nearer} nearest ({high:.2f}) and {far} and {farther} farthest ({low:.2f}).",
        dimensions=result.dimensions, near=_word(result.nearest.other), nearer=_word(result.nearest.one),
        high=result.nearest.value, far=_word(result.farthest.other), farther=_word(result.farthest.one),
        low=result.farthest.value,
    )  # fmt: skip


def _weights(ctx: Context, result: AttentionResult) -> str:
    return ctx.text(
        "Each row of the second picture is how a token mixes the vectors of all into its new one, and sums to 100%: "
        "{one} takes {share} from {other}, the most that goes to another word.",
        one=_word(result.strongest.one), share=_share(result.strongest.value), other=_word(result.strongest.other),
    )  # fmt: skip


def _scaling(ctx: Context, result: AttentionResult, scaled: str) -> str:
    if scaled == "yes":
        return ctx.text(
            "Dot products grow with the number of dimensions (here a standard deviation of {deviation:.0f}), so they "
            "are divided by √{dimensions}: a row spreads over {reach:.1f} tokens, and without that over {other:.1f}; "
            "the nearer to 1, the more one token takes all, where softmax is flat and nothing is learned.",
            deviation=result.deviation, dimensions=result.dimensions, reach=result.reach, other=result.other_reach,
        )  # fmt: skip
    return ctx.text(
        "Dot products grow with the number of dimensions (here a standard deviation of {deviation:.0f}), and are not "
        "divided by √{dimensions} here: a row spreads over {reach:.1f} tokens, and with that over {other:.1f}; the "
        "nearer to 1, the more one token takes all, where softmax is flat and nothing is learned.",
        deviation=result.deviation, dimensions=result.dimensions, reach=result.reach, other=result.other_reach,
    )  # fmt: skip


def _limits(ctx: Context) -> str:
    return ctx.text(
        "Do not read it as what a trained model looks at: Q, K and V are the same vectors here, each word's own, "
        "where a transformer learns three views of them, many heads and positions; so this attention knows neither "
        "order nor grammar, and a word mostly attends to itself and its like."
    )


def _short(word: str) -> str:
    return word if len(word) <= LONGEST else word[: LONGEST - 1] + "…"


def _word(word: str) -> str:
    return escape(_short(word))


def _share(value: float) -> str:
    return "< 1%" if value < 0.01 else f"{value:.0%}"


def _listed(neighbours: Sequence[Neighbour]) -> str:
    return "\n".join(f"{escape(each.word)} {each.cosine:.2f}" for each in neighbours)
