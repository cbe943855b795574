"""`/lesson xor`: two layers do what one cannot, once with gradients written by hand and once with PyTorch's."""

from itertools import pairwise
from typing import Annotated, Final, Literal

from plugins.lesson.perceptron import name_of
from plugins.lesson.perceptrons import Lesson, NetworkRequest, NetworkResult, Perceptrons, PictureWords
from plugins.lesson.points import from_table
from shared.command import Range, Table, command
from shared.context import Context
from shared.reply import Field, Picture, Reply, escape
from shared.texts import joined

RISING: Final = 0.05
"""A loss that rises in a larger share of the epochs than this is not falling for a reason; on all points it should."""


@command()
async def xor(
    ctx: Context,
    hidden: Annotated[int, Range(1, 16)] = 4,
    activation: Literal["sigmoid", "tanh", "relu"] = "tanh",
    rate: Annotated[float, Range(0.001, 10)] = 0.5,
    epochs: Annotated[int, Range(1, 3000)] = 600,
    seed: Annotated[int, Range(0, 1_000_000)] = 0,
    data: Literal["xor", "moons", "circles", "blobs"] = "xor",
    table: Table | None = None,
) -> Reply:
    """Watch a network of two layers learn XOR, with gradients by hand and by PyTorch

    hidden: units of the hidden layer
    activation: what a hidden unit does with its sum
    rate: learning rate
    epochs: how many steps down the gradient
    seed: draws the first weights, and the points themselves
    data: XOR, or a set of points that is drawn
    table: your own points: a CSV with columns x, y and label, of two kinds
    """
    points = from_table(table, kinds=2) if table is not None else None
    title = ctx.text("Two layers on {data}", data=name_of(ctx, data, table))
    request = NetworkRequest(
        data=data,
        points=points,
        hidden=hidden,
        activation=activation,
        rate=rate,
        epochs=epochs,
        seed=seed,
        words=PictureWords(
            title=title,
            epoch=ctx.text("epoch"),
            accuracy=ctx.text("accuracy"),
            loss=ctx.text("loss (100% is 1)"),
        ),
    )
    ctx.progress(0.1, ctx.text("learning and drawing"))
    result = (await ctx.predict(Perceptrons, Lesson(request))).lesson
    assert isinstance(result, NetworkResult)
    last = len(result.accuracy) - 1
    alt = ctx.text(
        "Left: {count} points of two kinds and how probable the network finds either kind everywhere, epoch by "
        "epoch; right: its accuracy, {first:.0%} at first and {last:.0%} in the end, and its loss, {before:.2f} "
        "and {after:.2f}.",
        count=result.count, first=result.accuracy[0], last=result.accuracy[-1], before=result.loss[0],
        after=result.loss[-1],
    )  # fmt: skip
    done = result.wrong == 0 and not result.diverged
    return Reply(
        title=escape(title),
        text=joined(
            (_seen(ctx, result, hidden, last), _why(ctx, result, hidden, activation), _same(ctx, result))
        ),
        tone="good" if done else "bad",
        fields=(
            Field(ctx.text("Accuracy"), f"{result.accuracy[-1]:.0%}"),
            Field(ctx.text("Loss"), f"{result.loss[-1]:.4f}"),
            Field(ctx.text("Largest difference of gradients"), f"{result.difference:.1e}"),
        ),
        pictures=(Picture(result.gif, alt, "xor.gif"),),
    )


def _seen(ctx: Context, result: NetworkResult, hidden: int, last: int) -> str:
    if result.diverged:
        return ctx.text(
            "In epoch {epoch} a weight ran away beyond any use, and learning was ended: the learning rate is too "
            "high.",
            epoch=last + 1,
        )
    return ctx.plural(
        "With {count} hidden unit, {wrong} of {points} points are on the wrong side after {epochs} epochs, and the "
        "border may be bent.",
        "With {count} hidden units, {wrong} of {points} points are on the wrong side after {epochs} epochs, and "
        "the border may be bent.",
        hidden, wrong=result.wrong, points=result.count, epochs=last,
    )  # fmt: skip


def _why(ctx: Context, result: NetworkResult, hidden: int, activation: str) -> str:
    if result.wrong == 0 and not result.diverged:
        return ctx.text(
            "Each hidden unit draws a line, the second layer weighs them together, and the activation between the "
            "two is what makes it more than one line: without it two layers are one."
        )
    rises = sum(after > before for before, after in pairwise(result.loss))
    if result.diverged or rises > RISING * len(result.loss):
        return ctx.text(
            "In {rises} of {epochs} epochs the loss rose instead of falling, for the steps overshoot the valley "
            "that they are to go down into; take a tenth of the learning rate.",
            rises=rises, epochs=len(result.loss) - 1,
        )  # fmt: skip
    if hidden == 1:
        return ctx.text(
            "One hidden unit draws one line, and however the second layer weighs it, it stays one; XOR, and all "
            "else that a line does not divide, takes two units or more."
        )
    if activation == "relu":
        return ctx.text(
            "Gradient descent ended in a place from which small steps lead nowhere better, perhaps because units "
            "of ReLU are 0 on all points and learn no more; try another seed, more hidden units or more epochs."
        )
    return ctx.text(
        "Gradient descent is not done, or ended in a place from which small steps lead nowhere better; try more "
        "epochs, more hidden units or another seed."
    )


def _same(ctx: Context, result: NetworkResult) -> str:
    return ctx.text(
        "The gradients were written twice, by hand in numpy and by autograd in PyTorch, and in {compared} epochs "
        "no number of the two differed by more than {difference:.1e}; the picture says nothing about points that "
        "were not learned from, where the network is as sure without a reason.",
        compared=result.compared, difference=result.difference,
    )  # fmt: skip
