"""Roll call: people enrol themselves, organisers open sessions, and a photo checks in those whom it shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Delete, Select, Update

from plugins.rollcall import commands as chat
from plugins.rollcall import commands_people as people
from plugins.rollcall.camera import TOOLS
from plugins.rollcall.faces import FaceModel
from plugins.rollcall.people import export_statements, forget_statements
from plugins.rollcall.settings import RollcallSettings
from plugins.rollcall.tidying import JOBS
from plugins.rollcall.vgg import FaceVggModel
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, Job, Kept, hookimpl
from shared.texts import Text
from shared.tool import Tool

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is; how long it keeps what is for the operator to set."""
    settings = RollcallSettings(_env_prefix="HEARTH_ROLLCALL_")  # type: ignore[call-arg]
    return Card(
        name="rollcall",
        summary="Call the roll by photo, of people who enrolled themselves",
        settings=RollcallSettings,
        keeps=(
            Kept(
                "an encrypted description of your face (128 numbers a photo), your display name, and when you agreed; "
                "counted in days since you were last seen",
                settings.face_days,
                rows=("people", "faces"),
                why=Text(
                    "so that a photo of a roll call can check you in; with your consent, in that server alone"
                ),
                seen_by=Text(
                    "your name: who sees the roll calls; your face: nobody, it is compared in memory alone"
                ),
            ),
            Kept(
                "when you were checked in, and by whose photo",
                settings.session_days,
                rows=("check-ins",),
                why=Text("so that the organisers know who was there"),
                seen_by=Text("who sees the roll calls of that server"),
            ),
            Kept(
                "which roll calls you opened, and which photos you posted",
                settings.session_days,
                rows=("pictures-posted", "sessions-started"),
                why=Text("so that everybody sees whose photo checked somebody in"),
                seen_by=Text("who sees the roll calls of that server"),
            ),
        ),
        migrations=HERE / "migrations",
        locale=HERE / "locale",
        opt_in=True,
    )


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (
        people.enrol,
        people.agree,
        people.mine,
        people.leave,
        chat.start,
        chat.here,
        chat.show,
        chat.close,
        chat.export,
    )


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return the model that finds and names faces, and the course's, which must be trained first."""
    return (FaceModel, FaceVggModel)


@hookimpl
def jobs() -> Sequence[Job]:
    """Return what goes by itself."""
    return JOBS


@hookimpl
def tools() -> Sequence[Tool]:
    """Return what the command line offers."""
    return TOOLS


@hookimpl
def export_user(user: int) -> Mapping[str, Select[Any]]:
    """Return how to read all that is kept of a person."""
    return export_statements(user)


@hookimpl
def forget_user(user: int) -> Sequence[Delete | Update]:
    """Return how to remove all that is kept of a person."""
    return forget_statements(user)
