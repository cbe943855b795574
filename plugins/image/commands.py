"""What chat sees of the image plugin: what is in a picture, several pictures of a message, and what decided."""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from plugins.image.cifar import ImageCifar
from plugins.image.model import Guess, ImageModel, ImageRequest, ImageResult, Words
from plugins.image.own import ImageOwn
from shared.command import Image, Images, Range, command
from shared.context import Context
from shared.errors import BadInput, Fault, HearthError, Refusal, of_file
from shared.model import Model
from shared.reply import Button, Field, Picture, Reply, escape
from shared.texts import language_of

Which = Literal["imagenet", "cifar10", "own"]
CLASSIFIERS: Final[Mapping[Which, type[Model[ImageRequest, ImageResult]]]] = {
    "imagenet": ImageModel,
    "cifar10": ImageCifar,
    "own": ImageOwn,
}
OTHERS: Final = 3
"""Classes that a map can be asked of, below one."""
BUTTONS: Final = 5
"""Pictures of a message that have a button."""
LONGEST: Final = 64_000
"""Characters of a picture that a button keeps, in base64."""


@command()
async def classify(ctx: Context, picture: Image, model: Which = "imagenet") -> Reply:
    """Say what is in a picture: the five most probable kinds of things, in English and Chinese

    picture: a photo of one thing
    model: imagenet (1,000 kinds of things), cifar10 (ten), or own (what was trained here)
    """
    classifier = CLASSIFIERS[model]
    found = await ctx.predict(classifier, _request(ctx, picture))
    title, text = _named(ctx, found)
    return Reply(
        title=title,
        text=text,
        tone="good" if found.known else "unsure",
        fields=tuple(_field(ctx, guess) for guess in found.guesses),
        pictures=_pictures(ctx, [found]),
        buttons=(_button(ctx, found, ctx.text("What decided?")),) if found.mapped else (),
        source=await _source(ctx, classifier, found),
    )


@command(menu="Classify image", hidden=True)
async def several(ctx: Context, pictures: Images) -> Reply:
    """Say what is in each picture of a message

    pictures: the pictures
    """
    if len(pictures) == 1:
        try:
            return await classify.run(ctx, pictures[0])
        except Refusal as error:
            raise of_file(pictures[0].name, error) from None
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_answer(ctx, picture)) for picture in pictures]
    answers = [(picture, task.result()) for picture, task in zip(pictures, tasks, strict=True)]
    for _, answer in answers:
        if isinstance(answer, Fault):
            raise answer
    refused = [of_file(picture.name, answer) for picture, answer in answers if isinstance(answer, Refusal)]
    ctx.leave_out(refused, of=len(pictures))
    lines: list[str] = []
    found: list[ImageResult] = []
    buttons: list[Button] = []
    for picture, answer in answers:
        if isinstance(answer, HearthError):
            continue
        found.append(answer)
        number = len(found)
        name = f"{number}. {escape(picture.name[:80])}"
        if answer.mapped and len(buttons) < BUTTONS:
            buttons.append(_button(ctx, answer, ctx.text("What decided? ({number})", number=number)))
        best = ", ".join(f"{_both(ctx, guess)} {guess.probability:.0%}" for guess in answer.guesses[:2])
        if answer.known:
            first = answer.guesses[0]
            lines.append(f"{name}: **{_both(ctx, first)}** {first.probability:.0%}")
        else:
            lines.append(ctx.text("{name}: nothing that I know fits; closest: {best}", name=name, best=best))
    return Reply(
        title="🖼️ " + ctx.plural("{count} picture", "{count} pictures", len(found)),
        text="\n".join(lines),
        tone="good" if all(answer.known for answer in found) else "unsure",
        pictures=_pictures(ctx, found),
        buttons=tuple(buttons),
        source=await _source(ctx, ImageModel, found[0]),
    )


@command(hidden=True)
async def decided(ctx: Context, picture: Annotated[str, Range(maximum=LONGEST)], place: int) -> Reply:
    """Show which parts of a picture speak for a class

    picture: the picture, in base64
    place: the place of the class among the model's
    """
    try:
        data = base64.b64decode(picture, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("This button holds no picture any more: classify it again.") from None
    found = await ctx.predict(ImageModel, ImageRequest(data=data, decided=place))
    wanted, *others = found.guesses
    name = _both(ctx, wanted)
    return Reply(
        title="🔥 " + ctx.text("What speaks for: {name}", name=_plain(ctx, wanted)),
        text=ctx.text(
            "Bright parts of the picture raise the score of **{name}** most. "
            "The dark edge was not looked at. The map is coarse, and says where, not why.",
            name=name,
        ),
        fields=(Field(ctx.text("Probability"), f"{wanted.probability:.1%}"),),
        pictures=(
            Picture(
                found.picture,
                ctx.text(
                    "The picture with the parts marked that speak for: {name}", name=_plain(ctx, wanted)
                ),
                "decided.jpg",
            ),
        ),
        buttons=tuple(
            Button(_plain(ctx, guess)[:80], "decided", {"picture": picture, "place": guess.place})
            for guess in others[:OTHERS]
        ),
        source=await _source(ctx, ImageModel, found),
    )


async def _answer(ctx: Context, picture: Image) -> ImageResult | HearthError:
    # One that cannot be read does not take the others with it.
    try:
        return await ctx.predict(ImageModel, _request(ctx, picture))
    except HearthError as error:
        return error


async def _source(ctx: Context, model: type[Model[ImageRequest, ImageResult]], found: ImageResult) -> str:
    return f"{model.name} · {found.network}" if found.network else await ctx.source(model)


def _request(ctx: Context, picture: Image) -> ImageRequest:
    words = Words(
        caption=ctx.text("Most probable"),
        chinese=_chinese(ctx),
    )
    return ImageRequest(data=picture.data, words=words)


def _named(ctx: Context, found: ImageResult) -> tuple[str, str]:
    first = found.guesses[0]
    if found.known:
        return f"🖼️ {_plain(ctx, first)}", f"**{_both(ctx, first)}** ({first.probability:.0%})"
    return "🤷 " + ctx.text("Nothing that I know fits"), ctx.text(
        "This looks like none of the kinds of things that I have learned. The closest are shown in grey: guesses, "
        "no more."
    )


def _field(ctx: Context, guess: Guess) -> Field:
    return Field(_both(ctx, guess), f"{guess.probability:.1%}")


def _both(ctx: Context, guess: Guess) -> str:
    """Write a class in both languages, harmless: people name the classes of their own folders."""
    name, other = guess.name(_chinese(ctx)), guess.other(_chinese(ctx))
    return escape(name if name == other else f"{name} · {other}")


def _plain(ctx: Context, guess: Guess) -> str:
    return guess.name(_chinese(ctx))


def _chinese(ctx: Context) -> bool:
    return language_of(ctx.asker.locale) == "zh_TW"


def _pictures(ctx: Context, found: Sequence[ImageResult]) -> tuple[Picture, ...]:
    shown = []
    for number, result in enumerate(found, 1):
        best = ", ".join(f"{_plain(ctx, guess)} {guess.probability:.1%}" for guess in result.guesses)
        alt = ctx.text("The picture beside its most probable kinds: {best}", best=best)
        shown.append(Picture(result.picture, alt, f"classes-{number}.jpg"))
    return tuple(shown)


def _button(ctx: Context, found: ImageResult, label: str) -> Button:
    arguments = {"picture": base64.b64encode(found.small).decode(), "place": found.guesses[0].place}
    return Button(label, "decided", arguments, emoji="🔥")
