"""What chat sees of cutting out faces: the picture with boxes, and each face as a file of 96 pixels."""

from typing import Final

from plugins.animeface.commands import packed
from plugins.animeface.crop import SIDE, AnimeCrop, CropRequest
from shared.command import Image, command
from shared.context import Context
from shared.reply import File, Picture, Reply

SOURCE: Final = "lbpcascade_animeface, nagadomi (MIT)"
"""What found the faces; it is no network whose weights change."""


@command()
async def crop(ctx: Context, picture: Image) -> Reply:
    """Find the anime faces in a picture, and cut them out

    picture: a drawing with faces seen from the front
    """
    found = await ctx.predict(AnimeCrop, CropRequest(data=picture.data))
    if not found.crops:
        return Reply(
            title="🤷 " + ctx.text("No anime face found"),
            text=ctx.text(
                "Faces that are drawn, seen from the front and at least {pixels} pixels wide are found best.",
                pixels=32,
            ),
            tone="unsure",
            source=SOURCE,
        )
    count = len(found.crops)
    lines = [
        ctx.text(
            "Each is attached as a picture of {side} × {side} pixels, numbered as in the boxes.", side=SIDE
        )
    ]
    if found.found > count:
        lines.append(
            ctx.text("{found} were found; the {count} largest are shown.", found=found.found, count=count)
        )
    files = [File(f"face-{number:02}.png", data) for number, data in enumerate(found.crops, 1)]
    return Reply(
        title="✂️ " + ctx.plural("{count} anime face found", "{count} anime faces found", count),
        text="\n".join(lines),
        tone="good",
        pictures=(
            Picture(
                found.picture,
                ctx.plural(
                    "The picture with a box round one face",
                    "The picture with boxes round {count} faces",
                    count,
                ),
                "found.jpg",
            ),
        ),
        files=packed(files, "faces.zip"),
        source=SOURCE,
    )
