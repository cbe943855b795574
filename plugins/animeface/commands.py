"""What chat sees of generated faces: some of a seed, more like one of them, and a morph between two."""

import io
import secrets
import zipfile
from collections.abc import Sequence
from typing import Annotated, Final

from plugins.animeface.model import AnimeFace, FacesRequest, FacesResult
from shared.command import Range, command
from shared.context import Context
from shared.reply import Button, Field, File, Picture, Reply

SEEDS: Final = 1_000_000_000
"""Seeds that chat offers: 0 up to below this. Short enough to be typed again."""
SINGLES: Final = 9
"""Faces that are attached one by one beside the grid: Discord takes ten files. More go into one archive."""
NUMBERED: Final = 4
"""Faces that have a button "more like this"."""
NEAR: Final = 0.35
"""How far faces "like this" are moved from it, towards those of other seeds."""
FRAMES: Final = 24

Count = Annotated[int, Range(1, 16)]
Seed = Annotated[int, Range(0, SEEDS - 1)]
Truncation = Annotated[float, Range(0.3, 1.0)]


@command()
async def generate(
    ctx: Context, count: Count = 4, seed: Seed | None = None, truncation: Truncation = 0.7
) -> Reply:
    """Draw anime faces that nobody drew; the same seed gives the same face

    count: how many faces
    seed: a number; the faces are those of this seed and the next ones
    truncation: lower is more alike and cleaner, higher more varied
    """
    first = secrets.randbelow(SEEDS) if seed is None else seed
    seeds = _seeds(first, count)
    drawn = await ctx.predict(AnimeFace, FacesRequest(seeds=seeds, truncation=truncation))
    more = [
        Button(
            ctx.text("More like {number}", number=number),
            "more",
            {"around": each, "count": max(count, NUMBERED), "truncation": truncation},
            emoji="🎯",
        )
        for number, each in enumerate(seeds[:NUMBERED], 1)
    ]
    return Reply(
        title="🎨 " + ctx.plural("{count} anime face", "{count} anime faces", count),
        text=_ask_again(ctx, seeds),
        fields=(
            Field(ctx.text("Seed"), str(first)),
            Field(ctx.text("Truncation"), f"{truncation:g}"),
        ),
        pictures=(_grid(ctx, drawn, count, f"faces-{first}.png"),),
        files=_files(drawn, [f"face-{each}.png" for each in seeds], f"faces-{first}.zip"),
        buttons=(
            Button(
                ctx.text("Again"),
                "generate",
                {"count": count, "truncation": truncation},
                "primary",
                emoji="🎲",
            ),
            *more,
        ),
        source=await ctx.source(AnimeFace),
    )


@command(hidden=True)
async def more(
    ctx: Context, around: Seed, count: Count = 4, truncation: Truncation = 0.7, seed: Seed | None = None
) -> Reply:
    """Draw faces that are like one that was drawn

    around: the seed of that face
    count: how many faces
    truncation: lower is more alike and cleaner, higher more varied
    seed: a number; the same one moves the face the same way
    """
    first = secrets.randbelow(SEEDS) if seed is None else seed
    request = FacesRequest(seeds=_seeds(first, count), truncation=truncation, around=around, near=NEAR)
    drawn = await ctx.predict(AnimeFace, request)
    names = [f"face-{around}-like-{number}.png" for number in range(1, count + 1)]
    again = {"around": around, "count": count, "truncation": truncation}
    return Reply(
        title="🎯 " + ctx.text("More like the face of seed {seed}", seed=around),
        text=ctx.text(
            "The face itself: `/animeface generate count:1 seed:{seed} truncation:{truncation}`",
            seed=around,
            truncation=f"{truncation:g}",
        ),
        pictures=(_grid(ctx, drawn, count, f"faces-like-{around}.png"),),
        files=_files(drawn, names, f"faces-like-{around}.zip"),
        buttons=(
            Button(ctx.text("Again"), "more", again, "primary", emoji="🎲"),
            Button(ctx.text("New faces"), "generate", {"count": count, "truncation": truncation}, emoji="🎨"),
        ),
        source=await ctx.source(AnimeFace),
    )


@command()
async def morph(
    ctx: Context, first: Seed | None = None, second: Seed | None = None, truncation: Truncation = 0.7
) -> Reply:
    """Turn one anime face into another, as a moving picture

    first: the seed of the first face
    second: the seed of the second face
    truncation: lower is more alike and cleaner, higher more varied
    """
    start = secrets.randbelow(SEEDS) if first is None else first
    end = secrets.randbelow(SEEDS) if second is None else second
    drawn = await ctx.predict(
        AnimeFace, FacesRequest(seeds=[start, end], truncation=truncation, steps=FRAMES)
    )
    return Reply(
        title="🌀 " + ctx.text("From seed {first} to seed {second}", first=start, second=end),
        text=ctx.text(
            "The same again: `/animeface morph first:{first} second:{second} truncation:{truncation}`",
            first=start,
            second=end,
            truncation=f"{truncation:g}",
        ),
        pictures=(
            Picture(
                drawn.gif,
                ctx.text(
                    "A moving picture: the face of seed {first} becomes that of {second}",
                    first=start,
                    second=end,
                ),
                f"morph-{start}-{end}.gif",
            ),
        ),
        buttons=(
            Button(ctx.text("Again"), "morph", {"truncation": truncation}, "primary", emoji="🎲"),
            Button(ctx.text("On from there"), "morph", {"first": end, "truncation": truncation}, emoji="➡️"),
        ),
        source=await ctx.source(AnimeFace),
    )


def zipped(files: Sequence[File]) -> bytes:
    """Pack files into an archive; the same files give the same bytes."""
    out = io.BytesIO()
    # Pictures are compressed already.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.data)
    return out.getvalue()


def packed(files: Sequence[File], archive: str) -> tuple[File, ...]:
    """Return the files as they can be attached beside one picture: one by one, or as one archive where too many."""
    return tuple(files) if len(files) <= SINGLES else (File(archive, zipped(files)),)


def _seeds(first: int, count: int) -> list[int]:
    return [(first + number) % SEEDS for number in range(count)]


def _ask_again(ctx: Context, seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return ctx.text("Seed {seed}: ask for it, and this face is drawn again.", seed=seeds[0])
    return ctx.text(
        "From left to right and down, the faces have the seeds {first} to {last}: each is drawn again by its own.",
        first=seeds[0],
        last=seeds[-1],
    )


def _grid(ctx: Context, drawn: FacesResult, count: int, name: str) -> Picture:
    alt = ctx.plural(
        "{count} anime face, drawn by a network", "{count} anime faces, drawn by a network", count
    )
    return Picture(drawn.grid, alt, name)


def _files(drawn: FacesResult, names: Sequence[str], archive: str) -> tuple[File, ...]:
    return packed([File(name, data) for name, data in zip(names, drawn.faces, strict=True)], archive)
