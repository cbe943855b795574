"""The tools for folders of pictures on the command line: `hearth data cifar10` and `hearth data folder`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from plugins.image.own import ImageOwn
from shared.tool import Tool, ToolContext

MAX_NAMED: Final = 20
"""Unread files that are named."""


def cifar10(
    ctx: ToolContext,
    archive: Annotated[Path, typer.Argument(help="cifar-10-python.tar.gz, as its authors publish it.")],
    folder: Annotated[Path, typer.Argument(help="Where the pictures go; made where there is none.")],
    npz: Annotated[
        bool, typer.Option("--npz", help="Write train.npz and test.npz, to train and judge on.")
    ] = False,
) -> None:
    """Turn CIFAR-10's archive into pictures, PART/CLASS/NNNNN.png; what is there already is kept."""
    from plugins.image.cifar_pictures import write_packs, write_pictures

    counts = (write_packs if npz else write_pictures)(archive, folder, ctx.progress)
    for part, count in sorted(counts.items()):
        ctx.say(f"{part}: {count} pictures in {folder / (f'{part}.npz' if npz else part)}")


async def folder(
    ctx: ToolContext,
    folder: Annotated[Path, typer.Argument(help="A folder with one folder of pictures for each class.")],
) -> int:
    """Train image-own on a folder of labelled pictures: one folder for each class, five pictures in each or more."""
    from plugins.image.own_data import checked, enough

    counts, unread = checked(folder, ctx.progress)
    for name, count in counts.items():
        ctx.say(f"{name}: {count} pictures")
    for line in unread[:MAX_NAMED]:
        ctx.say(f"skipped: {line}")
    if len(unread) > MAX_NAMED:
        ctx.say(f"skipped: {len(unread) - MAX_NAMED} more")
    # Before any time is spent on features.
    for name, count in counts.items():
        enough(name, count)
    return await ctx.train(ImageOwn, folder)


TOOLS: Final = (Tool("data", "cifar10", cifar10), Tool("data", "folder", folder))
