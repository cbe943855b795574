"""The plainest job: says a text in its channel, for stand-ups, deadlines and whatever else comes round."""

from datetime import timedelta
from typing import Annotated, Final

import msgspec

from shared.context import JobContext
from shared.plugin import Job
from shared.reply import Reply


class Say(msgspec.Struct, forbid_unknown_fields=True):
    """What is said: 1 to 2,000 characters."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


async def run(ctx: JobContext) -> None:
    """Post the text. It pings nobody, whatever it says."""
    await ctx.post(Reply(text=msgspec.convert(ctx.arguments, Say).text))


SAY: Final = Job(
    name="say",
    run=run,
    summary="Say a text in a channel",
    misfire="skip",
    timeout=timedelta(minutes=1),
    arguments=Say,
)
