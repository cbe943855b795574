"""Settings of roll call, read under `HEARTH_ROLLCALL_`."""

from pydantic import Field, field_validator

from plugins.rollcall.faces_settings import FaceSettings
from plugins.rollcall.sessions import zone_named
from shared.errors import BadInput


class RollcallSettings(FaceSettings):
    """What an operator may set, of the models and of what is kept."""

    time_zone: str = "Asia/Taipei"
    """At whose midnight sessions close, in a server where nobody has named another time zone yet."""
    session_days: int = Field(default=90, ge=1, le=3650)
    """For how many days sessions and check-ins are kept."""
    face_days: int = Field(default=365, ge=1, le=3650)
    """After how many days without a sign of a person their enrolment is erased."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            zone_named(name)
        except BadInput as error:
            raise ValueError(str(error)) from None
        return name
