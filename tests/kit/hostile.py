"""Texts that trip models: none at all, far too long, of no language, of broken characters, full of Discord's markup."""

from typing import Final

TEXTS: Final = (
    "", " ", "\n\n", "\0" * 50, "😀🎉👨‍👩‍👧", "a" * 6000, "a " * 3000, "9" * 6000, "مرحبا بالعالم", "\u202eevil\u202c",
    "@everyone **free** ```ansi\x1b[31m```", "\ud800\udfff", "İİİ ﬁ ß Ǆ", "　全形　空白　", "<" * 3000, "?",
)  # fmt: skip
