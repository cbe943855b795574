"""`/lesson perceptron`: one neuron draws a line, where a line will do."""

from typing import Annotated, Literal

from plugins.lesson.perceptrons import Data, PerceptronRequest, PerceptronResult, Perceptrons
from plugins.lesson.points import from_table
from shared.command import Range, Table, command
from shared.context import Context
from shared.reply import Field, Reply


@command()
async def perceptron(
    ctx: Context,
    data: Data = "and",
    table: Table | None = None,
    bias: Literal["textbook", "course"] = "textbook",
    rate: Annotated[float, Range(0.001, 10)] = 0.1,
    epochs: Annotated[int, Range(1, 500)] = 40,
    seed: Annotated[int, Range(0, 1_000_000)] = 0,
) -> Reply:
    """Watch a single-layer perceptron learn a gate of logic, or points

    data: a gate, or a set of points that is drawn
    table: your own points: a CSV with columns x, y and label, of two kinds
    bias: the textbook's, which is learned, or the course's, the angle between w and x
    rate: learning rate
    epochs: how often it goes through all points, at most
    seed: draws the first weights, the order of the points, and the points themselves
    """
    request = PerceptronRequest(
        data=data,
        points=from_table(table, kinds=2) if table is not None else None,
        bias=bias,
        rate=rate,
        epochs=epochs,
        seed=seed,
    )
    result = await ctx.predict(Perceptrons, request)
    return Reply(
        title=ctx.text("A perceptron"),
        text=_story(ctx, result),
        tone="good" if result.converged is not None else "bad",
        fields=(
            Field(ctx.text("Accuracy"), f"{result.accuracy[-1]:.0%}"),
            Field(ctx.text("Epochs"), str(len(result.accuracy) - 1)),
        ),
    )


def _story(ctx: Context, result: PerceptronResult) -> str:
    if result.converged is not None:
        return ctx.text("After epoch {epoch} no point is on the wrong side.", epoch=result.converged)
    if not result.separable:
        return ctx.text("No line divides these points: they are not linearly separable.")
    return ctx.text("A line could divide these points, but this perceptron has not found one.")
