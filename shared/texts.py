"""Translations: gettext catalogues, read straight from their `.po` files, one for each plugin and one core.

No compiled files are kept in the repository: what a translator edits is what runs.
"""

import gettext
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CORE: Final = "hearth"
LANGUAGES: Final = {"en": "en-US", "zh_TW": "zh-TW"}
"""Language of a catalogue, and the Discord locale that it is published under."""


@dataclass(frozen=True)
class Text:
    """A message that is not yet in anyone's language: a msgid, and the values for its `{fields}`, texts among them."""

    msgid: str
    values: Mapping[str, Any] = field(default_factory=dict)
    plural: str | None = None
    count: int = 1

    def __str__(self) -> str:
        return self.render(gettext.NullTranslations())

    def render(self, translations: gettext.NullTranslations) -> str:
        """Fill in the values, in the language of `translations`."""
        if self.plural is None:
            template = translations.gettext(self.msgid)
        else:
            template = translations.ngettext(self.msgid, self.plural, self.count)
        values = {
            name: value.render(translations) if isinstance(value, Text) else value
            for name, value in self.values.items()
        }
        return template.format_map({"count": self.count, **values})


def language_of(locale: str | None) -> str:
    """Map a Discord locale ("en-US", "zh-TW", "zh-CN", …) to the closest language that Hearth speaks."""
    return "zh_TW" if (locale or "").lower().replace("_", "-").startswith("zh") else "en"


def joined(sentences: Iterable[str]) -> str:
    """Put sentences one after the other: a space between them, but none after a Chinese full stop."""
    said = ""
    for sentence in sentences:
        said += ("" if not said or said.endswith(("。", "！", "？")) else " ") + sentence
    return said


class Texts:
    """Every catalogue of the running program.

    `folders` maps a domain (a plugin's name, or `CORE`) to its `locale/` folder, laid out as gettext does:
    `zh_TW/LC_MESSAGES/DOMAIN.po`.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = {CORE: Path(__file__).parent / "locale", **folders}
        self._cache: dict[tuple[str, str], gettext.NullTranslations] = {}

    def translations(self, domain: str, language: str) -> gettext.NullTranslations:
        """Return the catalogue of `domain` in `language`; what it lacks is looked up in the core's."""
        key = (domain, language)
        if key not in self._cache:
            folder = self._folders.get(domain)
            path = folder / language / "LC_MESSAGES" / f"{domain}.po" if folder else None
            own = _read(path) if path and path.is_file() else gettext.NullTranslations()
            if domain != CORE:
                own.add_fallback(self.translations(CORE, language))
            self._cache[key] = own
        return self._cache[key]

    def render(self, text: Text | str, locale: str | None, domain: str = CORE) -> str:
        """Say `text` in the language of a Discord `locale`."""
        text = Text(text) if isinstance(text, str) else text
        return text.render(self.translations(domain, language_of(locale)))

    def name(self, context: str, msgid: str, language: str, domain: str) -> str | None:
        """Translate a name that chat shows, such as a command's; None where the catalogue has none.

        `context` is "command", "option", "menu" or "choice": the same word may need another name in each.
        """
        translations = self.translations(domain, language)
        translated = translations.pgettext(context, msgid)
        return None if translated == msgid else translated

    def localizations(self, context: str, msgid: str, domain: str) -> dict[str, str]:
        """Return Discord's `*_localizations` object for a name or (context "") a description."""
        found = {}
        for language, locale in LANGUAGES.items():
            if language == "en":
                continue
            if context:
                translated = self.name(context, msgid, language, domain)
            else:
                translated = self.translations(domain, language).gettext(msgid)
            if translated and translated != msgid:
                found[locale] = translated
        return found


def _read(path: Path) -> gettext.GNUTranslations:
    # A new object each time: fallbacks are added to it.
    return gettext.GNUTranslations(io.BytesIO(_compiled(path, path.stat().st_mtime_ns)))


@lru_cache(maxsize=64)
def _compiled(path: Path, _changed: int) -> bytes:
    with path.open("rb") as source:
        catalogue = read_po(source)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    return compiled.getvalue()
