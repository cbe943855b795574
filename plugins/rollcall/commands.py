"""What chat sees of a session: opened by an organiser, joined by photos, shown, closed, and written as a sheet."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final

from plugins.rollcall.faces import Face, FaceModel, FaceRequest, FaceResult, Known
from plugins.rollcall.people import enrolled
from plugins.rollcall.place import Place, chosen, clock, open_here, place_of
from plugins.rollcall.sessions import (
    CheckIn,
    Session,
    check_in,
    checked_in,
    close_session,
    count_enrolled,
    last_time_zone,
    open_session,
)
from plugins.rollcall.sheet import sheet
from shared.command import Image, Range, command
from shared.context import Context
from shared.database import now_ms
from shared.errors import BadInput, Refusal
from shared.reply import Button, Field, File, Picture, Reply, escape

Number = Annotated[int, Range(1, 2**53)]
"""A session's number, as replies say it."""
LISTED: Final = 200
"""People that a reply names at most; the sheet has all."""


@command(permission="manage_guild")
async def start(
    ctx: Context,
    title: Annotated[str, Range(1, 80)] | None = None,
    time_zone: Annotated[str, Range(1, 64)] | None = None,
    late_after: Annotated[int, Range(1, 720)] | None = None,
    self_only: bool = False,
) -> Reply:
    """Open a roll call in this channel; it closes at midnight

    title: what the roll call is for
    time_zone: whose midnight, such as Asia/Taipei; if left out, as last time in this server
    late_after: minutes after which people are late
    self_only: a photo checks in only the person who posts it
    """
    now = now_ms()
    place = await place_of(ctx, now)
    zone = time_zone or await last_time_zone(ctx.database, place.guild_id) or ctx.settings.time_zone
    opened = await open_session(
        ctx.database,
        now,
        guild_id=place.guild_id,
        channel_id=place.channel_id,
        title=title or ctx.text("Roll call"),
        time_zone=zone,
        started_by=place.user_id,
        self_only=self_only,
        late_after=late_after,
    )
    count = await count_enrolled(ctx.database, place.guild_id)
    lines = [
        ctx.text("Post a photo with /rollcall here: of yourself only.")
        if self_only
        else ctx.text("Post a photo with /rollcall here: of yourself, or of a group."),
        ctx.text("Only people who enrolled themselves with /rollcall enrol are recognised."),
        ctx.text("It closes at {time}, or with /rollcall close.", time=clock(opened, opened.closes_ms)),
    ]
    if late_after is not None:
        lines.append(
            ctx.text("From {time} on, people are late.", time=f"{opened.local(opened.late_ms or now):%H:%M}")
        )
    return Reply(
        title=f"📋 {_title(opened)}",
        text="\n".join(lines),
        tone="good",
        fields=(Field(ctx.text("Enrolled here"), str(count)),),
        buttons=(_show_button(ctx, opened), _close_button(ctx, opened)),
    )


@command()
async def here(ctx: Context, photo: Image) -> Reply:
    """Check in to this channel's roll call with a photo of yourself, or of a group

    photo: the people who are here
    """
    now = now_ms()
    place = await place_of(ctx, now)
    found = await open_here(ctx, place, now)
    people = await enrolled(ctx.database, ctx.vault, place.guild_id)
    if not people:
        raise Refusal(
            "Nobody has enrolled in this server yet. Everybody enrols themselves, with /rollcall enrol."
        )
    if found.self_only and all(each.user_id != place.user_id for each in people):
        raise Refusal(
            "In this roll call a photo checks in only the person who posts it, and you have not enrolled. "
            "Enrol with /rollcall enrol."
        )
    # Others are compared too where only the poster may be checked in: a friend who looks alike is then the friend.
    other = ctx.text("somebody else")
    known = [
        Known(
            each.user_id,
            other if found.self_only and each.user_id != place.user_id else each.name,
            list(each.faces),
        )
        for each in people
        if each.faces
    ]
    request = FaceRequest(
        data=photo.data, known=known, unknown_label=ctx.text("unknown"), unsure_label=ctx.text("not sure")
    )
    seen = await ctx.predict(FaceModel, request)
    if not seen.faces:
        raise BadInput(
            "There is no face to be found in {file}. Look into the camera, in good light.", file=photo.name
        )
    recognised = [face.user_id for face in seen.faces if face.user_id is not None]
    if found.self_only:
        recognised = [user for user in recognised if user == place.user_id]
    # The network took its time: what counts is whether the session is open now.
    now = now_ms()
    new = await check_in(ctx.database, now, found, recognised, place.user_id, ctx.asker.name)
    if new is None:
        raise Refusal("This roll call closed at {time}.", time=clock(found, min(now, found.closes_ms)))
    everybody = await checked_in(ctx.database, found)
    return await _answer(
        ctx, place, found, seen, [p for p in everybody if p.user_id in recognised], new, len(everybody)
    )


@command()
async def show(ctx: Context, session: Number | None = None) -> Reply:
    """Show who is in, and since when

    session: number of the roll call; if left out, the last one of this channel
    """
    now = now_ms()
    place = await place_of(ctx, now)
    found = await chosen(ctx, place, session)
    return await _listed(ctx, found, now)


@command(permission="manage_guild")
async def close(ctx: Context, session: Number | None = None) -> Reply:
    """Close this channel's roll call

    session: number of the roll call; if left out, the last one of this channel
    """
    now = now_ms()
    place = await place_of(ctx, now)
    found = await open_here(ctx, place, now) if session is None else await chosen(ctx, place, session)
    if not await close_session(ctx.database, now, found):
        closed = await chosen(ctx, place, found.id)
        raise Refusal("This roll call closed at {time}.", time=clock(closed, closed.ended_ms()))
    return await _listed(ctx, await chosen(ctx, place, found.id), now)


@command(permission="manage_guild", private=True)
async def export(ctx: Context, session: Number | None = None) -> Reply:
    """Get who was in as a CSV file, with the times and who posted the photo

    session: number of the roll call; if left out, the last one of this channel
    """
    place = await place_of(ctx, now_ms())
    found = await chosen(ctx, place, session)
    people = await checked_in(ctx.database, found)
    header = (ctx.text("Name"), ctx.text("Date"), ctx.text("Time"), ctx.text("Late"), ctx.text("Posted by"))
    data = sheet(found, people, header, ctx.text("late"), ctx.text("not known"))
    words = ctx.plural(
        "“{title}”: one person, times in {zone}.",
        "“{title}”: {count} people, times in {zone}.",
        len(people),
        title=escape(found.title),
        zone=escape(found.time_zone),
    )
    name = f"rollcall-{found.id}-{found.local(found.started_ms):%Y-%m-%d}.csv"
    return Reply(text=words, files=(File(name, data),), private=True)


async def _answer(
    ctx: Context,
    place: Place,
    found: Session,
    seen: FaceResult,
    people: Sequence[CheckIn],
    new: frozenset[int],
    total: int,
) -> Reply:
    """Say who of a photo is in now, who was before, and how many were not recognised."""
    lines = [f"✅ {_line(ctx, found, each)}" for each in people if each.user_id in new]
    lines += [
        "☑️ " + ctx.text("{name} was in already, at {time}", name=escape(each.name), time=_time(found, each))
        for each in people
        if each.user_id not in new
    ]
    lines += _unrecognised(ctx, place, found, seen)
    if seen.many:
        lines.append(ctx.text("There are more faces than are looked at in one photo: post a second one."))
    title = (
        ctx.plural("One person checked in", "{count} people checked in", len(new))
        if new
        else ctx.text("Nobody new is in")
    )
    alt = ctx.plural(
        "The photo with a box around one face", "The photo with boxes around {count} faces", len(seen.faces)
    )
    count = await count_enrolled(ctx.database, found.guild_id)
    return Reply(
        title=title,
        text="\n".join(lines),
        tone="good" if new else "neutral" if people else "unsure",
        fields=(Field(ctx.text("In"), _share(ctx, total, count)),),
        pictures=(Picture(seen.picture, alt, "faces.jpg"),) if seen.picture else (),
        buttons=(_show_button(ctx, found),),
        source=await ctx.source(FaceModel),
    )


def _unrecognised(ctx: Context, place: Place, found: Session, seen: FaceResult) -> list[str]:
    kinds = Counter(_kind(face, place, found) for face in seen.faces)
    lines = []
    if count := kinds["other"]:
        lines.append(
            ctx.plural("One face is somebody else: they post a photo themselves.",
                       "{count} faces are somebody else: they post photos themselves.", count)
        )  # fmt: skip
    if count := kinds["unsure"]:
        lines.append(
            ctx.plural("One face is too small, or could be two people.",
                       "{count} faces are too small, or could be two people.", count)
        )  # fmt: skip
    if count := kinds["unknown"]:
        lines.append(
            ctx.plural("One face is unknown: who enrolled can be recognised, nobody else.",
                       "{count} faces are unknown: who enrolled can be recognised, nobody else.", count)
        )  # fmt: skip
    return [f"❔ {line}" for line in lines]


def _kind(face: Face, place: Place, found: Session) -> str:
    match face.verdict:
        case "known":
            return "other" if found.self_only and face.user_id != place.user_id else "known"
        case "ambiguous" | "small":
            return "unsure"
        case _:
            return "unknown"


async def _listed(ctx: Context, found: Session, now: int) -> Reply:
    people = await checked_in(ctx.database, found)
    count = await count_enrolled(ctx.database, found.guild_id)
    is_open = found.open_at(now)
    lines = [f"{place}. {_line(ctx, found, each)}" for place, each in enumerate(people[:LISTED], 1)]
    if len(people) > LISTED:
        lines.append(ctx.text("… and {count} more: the CSV file has all.", count=len(people) - LISTED))
    if not people:
        lines.append(ctx.text("Nobody is in yet.") if is_open else ctx.text("Nobody was in."))
    late = sum(found.is_late(each.at_ms) for each in people)
    fields = [Field(ctx.text("In"), _share(ctx, len(people), count))]
    if found.late_ms is not None:
        fields.append(Field(ctx.text("Late"), str(late)))
    ends = ctx.text("Closes") if is_open else ctx.text("Closed")
    fields.append(Field(ends, escape(clock(found, found.ended_ms()))))
    download = Button(
        label=ctx.text("Download CSV"), command="export", arguments={"session": found.id}, emoji="📄"
    )
    return Reply(
        title=f"{'📋' if is_open else '🔒'} {_title(found)}",
        text="\n".join(lines),
        tone="good" if is_open else "neutral",
        fields=tuple(fields),
        buttons=(download, _close_button(ctx, found)) if is_open else (download,),
    )


def _title(found: Session) -> str:
    return f"{escape(found.title)} · #{found.id}"


def _line(ctx: Context, found: Session, each: CheckIn) -> str:
    line = f"**{escape(each.name)}** · {_time(found, each)}"
    if found.is_late(each.at_ms):
        line += " · " + ctx.text("late")
    if each.posted_by is not None and each.posted_by != each.user_id and each.posted_name:
        line += " · " + ctx.text("photo by {name}", name=escape(each.posted_name))
    return line


def _time(found: Session, each: CheckIn) -> str:
    return f"{found.local(each.at_ms):%H:%M:%S}"


def _share(ctx: Context, count: int, total: int) -> str:
    return ctx.text("{count} of {total} enrolled", count=count, total=total)


def _show_button(ctx: Context, found: Session) -> Button:
    return Button(label=ctx.text("Who is in?"), command="show", arguments={"session": found.id}, emoji="👥")


def _close_button(ctx: Context, found: Session) -> Button:
    return Button(
        label=ctx.text("Close"), command="close", arguments={"session": found.id}, style="bad", emoji="🔒"
    )
