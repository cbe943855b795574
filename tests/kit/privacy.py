"""A person who has all that is kept of them removed, and what is in the archive that they are handed."""

import io
import json
import zipfile
from typing import Any

from tests.kit.answer import Answer
from tests.kit.person import Person


async def forget(person: Person, within: float = 30.0) -> Answer:
    """Ask to be forgotten, and say yes."""
    asked = await person.slash("privacy forget")
    return await person.press(asked, asked.message.buttons[0], within=within)


async def exported(person: Person, within: float = 30.0) -> zipfile.ZipFile:
    """Return the archive of what is kept of a person."""
    answer = await person.slash("privacy export", within=within)
    return zipfile.ZipFile(io.BytesIO(await person.download(answer.message.attachments[0])))


def rows_in(archive: zipfile.ZipFile) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of an archive, by name."""
    names = [name for name in archive.namelist() if name.endswith(".json")]
    return {name.removesuffix(".json"): json.loads(archive.read(name)) for name in names}
