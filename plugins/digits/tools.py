"""What the plugin adds to the command line: MNIST's files, and the table of robustness."""

from pathlib import Path
from typing import Annotated

import typer

from plugins.digits.model import DigitsModel
from shared.errors import BadInput
from shared.tool import ToolContext


async def mnist(
    ctx: ToolContext,
    folder: Annotated[Path, typer.Argument(help="Where the four files go")],
    mirror: Annotated[str, typer.Option(help="The address of the folder that holds them")] = "",
) -> None:
    """Download MNIST, and check that it is the real one."""
    import aiohttp

    from plugins.digits.download import FILES, MIRROR, download

    async with aiohttp.ClientSession() as session:
        for at, remote in enumerate(FILES):
            ctx.progress(at / len(FILES), remote.name)
            fetched = await download(session, folder, remote, mirror or MIRROR)
            ctx.say(f"{remote.name}.gz: {'fetched' if fetched else 'was there'}, checksum right")


def robustness(
    ctx: ToolContext,
    data: Annotated[Path, typer.Argument(help="A folder with MNIST's test files")],
    weights: Annotated[
        Path | None, typer.Option(help="A folder of weights; those that ship, if left out")
    ] = None,
) -> None:
    """Print how well digits are read that were turned, moved, dimmed, spoiled or photographed."""
    from plugins.digits.data import read_part
    from plugins.digits.robustness import robustness as measure
    from shared.model import Device

    digits = read_part(data, "t10k")
    if digits is None:
        raise BadInput("{path} holds no t10k-images-idx3-ubyte with its labels.", path=data)
    model = DigitsModel.load(weights or DigitsModel.default, Device())
    ctx.say("| what was done | read by | right | of |")
    ctx.say("|---|---|---|---|")
    for row in measure(model.reader, digits, ctx.progress):
        ctx.say(f"| {row.what} | {row.door} | {row.accuracy:.4f} | {row.n} |")
