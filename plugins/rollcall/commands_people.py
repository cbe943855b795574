"""What chat sees of enrolling: photos of oneself, consent before anything is kept, what is kept, to see or erase."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from plugins.rollcall import consent
from plugins.rollcall.faces import Face, FaceModel, FaceRequest, FaceResult
from plugins.rollcall.people import MOST_PHOTOS, admit, farthest, kept_of
from plugins.rollcall.people import enrol as keep_enrolment
from plugins.rollcall.people import leave as erase
from plugins.rollcall.place import place_of
from plugins.rollcall.sessions import DAY_MS
from shared.command import Image, Images, Range, command
from shared.context import Context
from shared.database import now_ms
from shared.errors import BadInput, of_file
from shared.reply import Button, Field, Reply

SECOND_MS: Final = 1000


@command(private=True)
async def enrol(ctx: Context, photos: Images, how: Literal["replace", "add"] = "replace") -> Reply:
    """Enrol yourself with photos of your face, to be recognised in roll calls of this server

    photos: one to five photos of yourself, with exactly one face in each
    how: replace what is kept of you here, or add to it
    """
    now = now_ms()
    place = await place_of(ctx, now)
    if len(photos) > MOST_PHOTOS:
        raise BadInput("Send one to five photos of yourself, not {count}.", count=len(photos))
    seen = await _faces_in(ctx, photos)
    faces = [face.vector for face, _ in seen]
    same_face = min(result.threshold for _, result in seen)
    if farthest(faces) > same_face:
        raise BadInput("These photos do not show the same face. Send photos of yourself alone.")
    adding = how == "add"
    await admit(
        ctx.database, ctx.vault, place.guild_id, place.user_id, faces, adding=adding, same_face=same_face
    )
    offer = consent.Offer(faces, adding, same_face, now)
    agree_button = Button(
        label=ctx.text("I agree"),
        command="agree",
        arguments={"sealed": consent.sealed(ctx.vault, offer, place.guild_id, place.user_id)},
        style="good",
        emoji="✅",
        keep_hours=1,
    )
    return Reply(
        title=ctx.text("Do you agree that your face is kept?"),
        text=_asking(ctx, len(faces)),
        buttons=(agree_button,),
        private=True,
        source=await ctx.source(FaceModel),
    )


@command(hidden=True, private=True)
async def agree(ctx: Context, sealed: Annotated[str, Range(1, 6000)]) -> Reply:
    """Keep the descriptions of a person's photos, as that person agreed

    sealed: the descriptions, sealed
    """
    now = now_ms()
    place = await place_of(ctx, now)
    offer = consent.opened(ctx.vault, sealed, place.guild_id, place.user_id, now)
    count = await keep_enrolment(
        ctx.database,
        ctx.vault,
        now,
        guild_id=place.guild_id,
        user_id=place.user_id,
        name=ctx.asker.name,
        faces=offer.faces,
        adding=offer.adding,
        same_face=offer.same_face,
    )
    lines = (
        ctx.plural(
            "You are enrolled in this server with one photo.",
            "You are enrolled in this server with {count} photos.",
            count,
        ),
        ctx.text("/rollcall mine shows what is kept of you, /rollcall leave deletes it."),
    )
    return Reply(text="\n".join(lines), tone="good", private=True)


@command(private=True)
async def mine(ctx: Context) -> Reply:
    """See what roll call keeps of you in this server"""
    place = await place_of(ctx, now_ms())
    kept = await kept_of(ctx.database, place.guild_id, place.user_id)
    if kept is None:
        return Reply(
            text=ctx.text("Nothing is kept of you in this server: you are not enrolled."), private=True
        )
    goes_ms = kept.seen_ms + ctx.settings.face_days * DAY_MS
    fields = [
        Field(ctx.text("Where"), ctx.text("this server")),
        Field(ctx.text("Descriptions of your face"), str(kept.photos)),
        Field(ctx.text("You agreed"), f"<t:{kept.consented_ms // SECOND_MS}:f>"),
        Field(ctx.text("Your check-ins"), str(kept.checkins)),
        Field(ctx.text("Erased by itself"), f"<t:{goes_ms // SECOND_MS}:D>"),
    ]
    lines = [ctx.text("The descriptions are encrypted; your photos were not kept.")]
    if kept.other_servers:
        lines.append(
            ctx.plural(
                "You are enrolled in another server too; /privacy export lists it.",
                "You are enrolled in {count} other servers too; /privacy export lists them.",
                kept.other_servers,
            )
        )
    return Reply(
        title=ctx.text("What roll call keeps of you"),
        text="\n".join(lines),
        fields=tuple(fields),
        buttons=(Button(label=ctx.text("Delete it"), command="leave", style="bad", emoji="🗑️"),),
        private=True,
    )


@command(private=True)
async def leave(ctx: Context) -> Reply:
    """Delete your enrolment and your check-ins in this server, now"""
    place = await place_of(ctx, now_ms())
    if not await erase(ctx.database, place.guild_id, place.user_id):
        return Reply(
            text=ctx.text("Nothing is kept of you in this server: you are not enrolled."), private=True
        )
    words = ctx.text("Deleted: your face, your name and your check-ins in this server.")
    return Reply(text=words, tone="good", private=True)


async def _faces_in(ctx: Context, photos: Sequence[Image]) -> list[tuple[Face, FaceResult]]:
    """Return the one face of each photo; those with none, or more, are left out. Raises `BadInput` where all are."""
    # All are asked for at once, so that they go through the network together.
    found = await asyncio.gather(*(_face_in(ctx, photo) for photo in photos), return_exceptions=True)
    faces: list[tuple[Face, FaceResult]] = []
    refused: list[BadInput] = []
    for each in found:
        match each:
            case BadInput():
                refused.append(each)
            case BaseException():
                raise each
            case _:
                faces.append(each)
    ctx.leave_out(refused, of=len(photos))
    return faces


async def _face_in(ctx: Context, photo: Image) -> tuple[Face, FaceResult]:
    try:
        result = await ctx.predict(FaceModel, FaceRequest(data=photo.data, draw=False))
    except BadInput as error:
        raise of_file(photo.name, error) from None
    match result.faces:
        case []:
            raise BadInput(
                "There is no face to be found in {file}. Look into the camera, in good light.",
                file=photo.name,
            )
        case [face] if face.verdict == "small":
            raise BadInput("The face in {file} is too small. Send a photo from nearer.", file=photo.name)
        case [face]:
            return face, result
    raise BadInput(
        "There are {count} faces in {file}. Send photos of yourself alone.",
        count=len(result.faces),
        file=photo.name,
    )


def _asking(ctx: Context, count: int) -> str:
    """Say what is kept, for what, how long, and how it goes; before anything is."""
    lines = (
        ctx.plural(
            "One photo of a face is ready. Nothing is kept yet, and the photo never will be.",
            "{count} photos of one face are ready. Nothing is kept yet, and the photos never will be.",
            count,
        ),
        ctx.text("If you agree, this is kept:"),
        "• " + ctx.text("an encrypted description of your face, 128 numbers a photo, and your display name"),
        "• " + ctx.text("for this server alone, to check you in when somebody posts a photo in a roll call"),
        "• "
        + ctx.text(
            "until you delete it with /rollcall leave or /privacy forget, or {days} days after you were last seen",
            days=ctx.settings.face_days,
        ),
        "• "
        + ctx.text(
            "when you were checked in and who posted the photo, for {days} days",
            days=ctx.settings.session_days,
        ),
        ctx.text("Enrol yourself only. Whether a living person is before the camera is not checked."),
        "-# " + ctx.text("Nothing is kept unless you agree within 15 minutes."),
    )
    return "\n".join(lines)
