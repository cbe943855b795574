"""`/lesson perceptron`: one neuron draws a line, where a line will do."""

from typing import Annotated, Final, Literal

from plugins.lesson.perceptrons import (
    Data,
    Lesson,
    PerceptronRequest,
    PerceptronResult,
    Perceptrons,
    PictureWords,
)
from plugins.lesson.points import from_table
from shared.command import Range, Table, command
from shared.context import Context
from shared.reply import Field, Picture, Reply, escape
from shared.texts import joined

NAMES: Final = {"and": "AND", "or": "OR", "xor": "XOR"}


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
    points = from_table(table, kinds=2) if table is not None else None
    name = name_of(ctx, data, table)
    title = ctx.text("One perceptron on {data}", data=name)
    request = PerceptronRequest(
        data=data,
        points=points,
        bias=bias,
        rate=rate,
        epochs=epochs,
        seed=seed,
        words=PictureWords(title=title, epoch=ctx.text("epoch"), accuracy=ctx.text("accuracy")),
    )
    ctx.progress(0.1, ctx.text("learning and drawing"))
    result = (await ctx.predict(Perceptrons, Lesson(request))).lesson
    assert isinstance(result, PerceptronResult)
    last = len(result.accuracy) - 1
    alt = ctx.text(
        "Left: {count} points of two kinds and which kind the perceptron says everywhere, epoch by epoch; right: "
        "its accuracy, {first:.0%} at first, {last:.0%} after epoch {epoch}.",
        count=result.count, first=result.accuracy[0], last=result.accuracy[-1], epoch=last,
    )  # fmt: skip
    sentences = (
        _seen(ctx, result, bias),
        _why(ctx, result, bias, data if points is None else None),
        _not(ctx),
    )
    learned = f"w = ({result.weights[0]:.3g}, {result.weights[1]:.3g})"
    return Reply(
        title=escape(title),
        text=joined(sentences),
        tone="good" if result.converged is not None else "bad",
        fields=(
            Field(ctx.text("Accuracy"), f"{result.accuracy[-1]:.0%}"),
            Field(ctx.text("Epochs"), str(last)),
            Field(
                ctx.text("What it learned"),
                escape(
                    f"{learned}, b = {result.bias:.3g}" if bias == "textbook" else f"{learned}, b = ∠(w, x)"
                ),
            ),
        ),
        pictures=(Picture(result.gif, alt, "perceptron.gif"),),
    )


def name_of(ctx: Context, data: Data, table: Table | None) -> str:
    """Return what the points are called: the file's name, a gate's, or that of a drawn set."""
    if table is not None:
        return table.name[:60]
    match data:
        case "moons":
            return ctx.text("two moons")
        case "circles":
            return ctx.text("two rings")
        case "blobs":
            return ctx.text("two clouds")
        case _:
            return NAMES[data]


def _seen(ctx: Context, result: PerceptronResult, bias: str) -> str:
    if bias == "course":
        return ctx.text(
            "The picture shows where w·x plus the angle between w and x, which the course's notes take for the "
            "bias, is not below 0; {wrong} of {count} points are on the wrong side in the end.",
            wrong=result.wrong, count=result.count,
        )  # fmt: skip
    if result.converged is not None:
        return ctx.text(
            "The perceptron says 1 where w·x + b is not below 0; where that is 0 there is a straight line, and "
            "after epoch {epoch} no point is on the wrong side of it.",
            epoch=result.converged,
        )
    return ctx.text(
        "The perceptron says 1 where w·x + b is not below 0; where that is 0 there is a straight line, and after "
        "the last epoch {wrong} of {count} points are on the wrong side of it.",
        wrong=result.wrong, count=result.count,
    )  # fmt: skip


def _why(ctx: Context, result: PerceptronResult, bias: str, data: Data | None) -> str:
    if bias == "course":
        if result.converged is not None:
            return ctx.text(
                "It comes out right here, for these points lie so that it can; but an angle lies between 0 and π "
                "and never pulls the sum down, so that more than half of the plane, and the origin always, is "
                "called 1, and nothing about it is learned, while the textbook's b shifts the border to where it "
                "is needed."
            )
        if data in NAMES:
            return ctx.text(
                "This goes wrong: an angle lies between 0 and π and never pulls the sum down, so that the corner "
                "(0, 0), where w·x is 0, is always called 1, whatever is learned; AND, OR and XOR all need a 0 "
                "there, which the textbook's b, a number that is learned like a weight, provides."
            )
        return ctx.text(
            "This goes wrong: an angle lies between 0 and π and never pulls the sum down, so that more than half "
            "of the plane, and the origin always, is called 1; it changes with x, so that the border is bent, and "
            "nothing about it is learned, while the textbook's b shifts a straight line to where it is needed."
        )
    if not result.separable and data == "xor":
        return ctx.text(
            "It cannot do better: XOR is not linearly separable, for the middle of (0, 0) and (1, 1) is that of "
            "(0, 1) and (1, 0) too, and no line has one point on both of its sides; at most 3 of the 4 corners "
            "come right, and two layers do it (`/lesson xor`)."
        )
    if not result.separable:
        return ctx.text(
            "It cannot do without mistakes: no straight line divides these points (a linear program found none), "
            "they are not linearly separable, and each mistake moves the line on for ever; a second layer helps "
            "(`/lesson xor`)."
        )
    if result.converged is None:
        return ctx.text(
            "A line could divide these points (a linear program found one), but this perceptron needs more epochs:"
            " each mistake moves the line by the learning rate times the point, and the narrower the gap, the more"
            " it takes."
        )
    return ctx.text(
        "Each mistake moves the line by the learning rate times the point, and since a line can divide these "
        "points, that ends after finitely many mistakes (Novikoff 1962)."
    )


def _not(ctx: Context) -> str:
    return ctx.text(
        "Do not read how sure an answer is from the distance to the border, nor that it is the best one: the "
        "perceptron stops at the first line that makes no mistake on these points, and knows no others."
    )
