"""What MkDocs calls while it builds the site: adds the pages that are made from the code, and mends links.

Files of the repository outside this folder (SECURITY.md, the models' cards) become pages too, and their links, which
lead from file to file, lead from page to page. Nothing here is needed to read the files as they are.
"""

import asyncio
import logging
import posixpath
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.main import get_command

from bot.assembly import assembled
from bot.cli import build
from docs import settings_table
from docs.reference import command_line_page, commands_page, metrics_page, models_page
from shared.plugins import Plugins
from shared.settings import Settings

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "licence.md",
}
"""Files at the root, and the pages that stand for them."""
LOGO: Final = ROOT / "bot" / "sandbox" / "page" / "hearth.svg"
LINK: Final = re.compile(r"(?<=\]\()(?!https?:|mailto:|#|/)([^)\s#]*)(#[^)\s]*)?(?=\))")
CHINESE: Final = ".zh.md"
DECISIONS: Final = "decisions/README.md"
log = logging.getLogger("mkdocs.hooks.hearth")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and put them into the navigation."""
    plugins = Plugins.discover()
    for name, failed in plugins.quarantined.items():
        log.warning("plugin %s: %s", name, failed.reason)
    made = asyncio.run(_commands()) | {
        "command-line.md": _command_line(),
        "metrics.md": metrics_page(),
        "licence.md": f"# Licence\n\n```text\n{(ROOT / 'LICENSE').read_text(encoding='utf-8')}```\n",
    }
    cards = _cards(plugins)
    made["models/index.md"] = models_page(plugins, {name: Path(page).name for name, page in cards.items()})
    for uri, text in made.items():
        files.append(File.generated(config, uri, content=text))
    sources = {
        page: ROOT / name for name, page in PAGES.items() if name.endswith(".md") and page != "index.md"
    }
    sources |= {page: _card(plugins, name) for name, page in cards.items()}
    sources["theme/hearth.svg"] = LOGO
    for uri, path in sources.items():
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    config.nav = _unfolded(config.nav, files)
    wrong = settings_table.differences(
        (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), settings_table.fields(plugins)
    )
    for each in wrong:
        log.warning("settings.md: %s", each)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages, and say what each setting takes."""
    del config
    if page.file.src_uri == "settings.md":
        markdown = settings_table.with_types(markdown, settings_table.fields(Plugins.discover()))
    if page.file.src_uri == DECISIONS:
        markdown += "\n" + "".join(_titles(files, posixpath.dirname(DECISIONS)))
    origin = page.file.abs_src_path
    if origin is None:
        return markdown
    here = Path(origin).relative_to(ROOT).as_posix()
    uris = {_origin(file): file.src_uri for file in files}

    def lead(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), found[1]))
        to = PAGES.get(target) or uris.get(target) or uris.get(f"{target}/README.md")
        if to is None:
            return found[0]
        return posixpath.relpath(to, posixpath.dirname(page.file.src_uri) or ".") + (found[2] or "")

    return LINK.sub(lead, markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Say which language a page is in, for those who hear it."""
    del config, files
    return f'<div lang="zh-Hant">{html}</div>' if page.file.src_uri.endswith(CHINESE) else html


def _titles(files: Files, folder: str) -> Iterator[str]:
    """Yield an item of a list for each page of a folder, but for its index."""
    for file in sorted(files.documentation_pages(), key=lambda each: each.src_uri):
        if posixpath.dirname(file.src_uri) == folder and file.name != "index":
            title = file.content_string.partition("\n")[0].removeprefix("# ")
            yield f"- [{title.replace('. ', ' · ', 1)}]({posixpath.basename(file.src_uri)})\n"


def _origin(file: File) -> str | None:
    if file.abs_src_path is None:
        return None
    path = Path(file.abs_src_path)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else None


async def _commands() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder), database_url=None, http_port=None)  # type: ignore[call-arg]
        async with assembled(settings, warm=False) as core:
            return {
                uri: commands_page(core.plugins, core.builtin, core.texts, locale)
                for uri, locale in (("commands.md", "en-US"), ("commands.zh.md", "zh-TW"))
            }


def _command_line() -> str:
    given = sys.argv
    # Of the words there it depends whether the plugins' own commands are loaded.
    sys.argv = ["hearth"]
    try:
        return command_line_page(get_command(build()))
    finally:
        sys.argv = given


def _cards(plugins: Plugins) -> dict[str, str]:
    """Return the page of each model's card, by the model's name."""
    return {
        model.name: f"models/{model.name}.md"
        for plugin in plugins
        for model in plugin.models
        if (folder := getattr(model, "default", None)) is not None and (folder / "CARD.md").is_file()
    }


def _card(plugins: Plugins, name: str) -> Path:
    folder = plugins.models()[name].default
    assert folder is not None, "asked only for those that have one"
    return folder / "CARD.md"


def _unfolded(nav: list[Any] | None, files: Files) -> list[Any]:
    """Put all pages of a folder where the navigation names it, as `decisions/`: its index first, the rest by name."""

    def unfold(entry: Any) -> Any:
        match entry:
            case dict():
                return {title: unfold(inside) for title, inside in entry.items()}
            case list():
                parts = [unfold(each) for each in entry]
                return [one for part in parts for one in (part if isinstance(part, list) else [part])]
            case str() if entry.endswith("/"):
                pages = [file for file in files.documentation_pages() if file.src_uri.startswith(entry)]
                return [file.src_uri for file in sorted(pages, key=lambda f: (f.name != "index", f.src_uri))]
            case _:
                return entry

    return list(unfold(nav or []))
