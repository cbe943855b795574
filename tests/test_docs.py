"""The documentation site: it builds without a warning, its links lead somewhere, and nothing comes from elsewhere."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs.settings_table import differences, fields, with_types
from shared.plugins import Plugins
from shared.settings import Settings

REPOSITORY = Path(__file__).parents[1]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)")
NAMED = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")


class Links(HTMLParser):
    """Collects what a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.to: list[str] = []
        self.loads: list[str] = []
        self.places = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        match tag:
            case "a" if "href" in given:
                self.to.append(given["href"])
            case "link" if given.get("rel") not in ("canonical", "next", "prev", "alternate"):
                self.loads.append(given["href"])
            case "script" | "img" | "iframe" | "source" | "video" if given.get("src"):
                self.loads.append(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=REPOSITORY,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    # What is between them is of no help to whoever has broken a link.
    warned = [line for line in done.stderr.splitlines() if line.startswith(("WARNING", "ERROR", "  - "))]
    assert not warned
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    """Read every page of the site."""
    found = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(found) > 30
    return found


def test_every_link_between_pages_leads_to_a_page_and_a_place(site: Path, pages: dict[Path, Links]) -> None:
    broken, checked = [], 0
    for path, links in pages.items():
        for link in links.to + links.loads:
            parts = urlsplit(link)
            # The page for what is not found does not know where it stands.
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            checked += 1
            there = target.is_file() and target.is_relative_to(site.resolve())
            if not there or (target in pages and unquote(parts.fragment) not in pages[target].places):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert checked > 1000
    assert not broken


def test_no_page_loads_anything_from_elsewhere(site: Path, pages: dict[Path, Links]) -> None:
    loads = {link for links in pages.values() for link in links.loads}
    assert len(loads) > 10
    assert not [link for link in loads if urlsplit(link).netloc or urlsplit(link).scheme]
    styles = {path.name: path.read_text(encoding="utf-8") for path in site.rglob("*.css")}
    assert "hearth.css" in styles
    assert not [
        name for name, text in styles.items() if re.search(r"(url\(|@import )[\"']?(https?:)?//", text)
    ]


def test_every_command_is_on_the_page_of_commands_in_both_languages(site: Path) -> None:
    shown = {
        f"{plugin.name}-{each.name}"
        for plugin in Plugins.discover()
        for each in plugin.commands
        if not each.hidden
    }
    assert len(shown) > 20
    for name, word in (("commands.html", "/spam score"), ("commands.zh.html", "/垃圾訊息 評分")):
        text = (site / name).read_text(encoding="utf-8")
        assert word in text
        assert not [
            each for each in shown | {"plugins-enable", "privacy-forget"} if f'id="{each}"' not in text
        ]


def test_every_model_card_is_a_page(site: Path) -> None:
    cards = list((REPOSITORY / "plugins").glob("*/weights/**/CARD.md"))
    titles = {re.sub(r"\W+", " ", card.read_text(encoding="utf-8").splitlines()[0]).strip() for card in cards}
    shown = {
        re.sub(r"\W+", " ", found[1]).strip()
        for path in (site / "models").glob("*.html")
        if (found := re.search(r"<h1[^>]*>(.*?)<a", path.read_text(encoding="utf-8")))
    }
    assert len(titles) == len(cards) > 10
    assert not titles - shown


def test_every_setting_and_metric_is_listed_with_what_it_takes(site: Path) -> None:
    settings = (site / "settings.html").read_text(encoding="utf-8")
    assert not [
        name for name in Settings.model_fields if f"<code>HEARTH_{name.upper()}</code>" not in settings
    ]
    assert re.search(r"HEARTH_THREADS</code></td>\s*<td>whole number, from 1 to 256</td>", settings)
    metrics = (site / "metrics.html").read_text(encoding="utf-8")
    assert re.search(
        r"hearth_answers_total</code></td>\s*<td>counter</td>\s*<td>group, command, outcome</td>", metrics
    )


def test_the_table_of_settings_tells_the_defaults_of_the_code() -> None:
    text, known = (
        (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8"),
        fields(Plugins.discover()),
    )
    assert not differences(text, known)
    assert with_types(text, known).count("| type |") == 2


def test_a_default_that_is_told_wrongly_is_found() -> None:
    known = {f"HEARTH_{name.upper()}": Settings.model_fields[name] for name in ("max_waiting", "instance")}
    table = "| `HEARTH_MAX_WAITING` | `500` | … |\n| `HEARTH_GONE` | none | … |"
    assert differences(table, known) == [
        "HEARTH_INSTANCE has no row",
        "HEARTH_MAX_WAITING: the table says 500, the code 512",
        "HEARTH_GONE is no setting",
    ]


def test_the_files_at_the_root_link_to_files_and_headings_that_are_there() -> None:
    broken = [f"{name}: {link}" for name in NAMED for link in _broken(REPOSITORY / name)]
    assert not broken


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# One heading\n\n[x](b.md) [y](#one-heading) [z](#two) [w](a.md#one-heading)\n"
    )
    assert list(_broken(tmp_path / "a.md")) == ["b.md", "#two"]


def _broken(path: Path) -> Iterator[str]:
    headings: dict[Path, set[str]] = defaultdict(set)
    for target, place in LINK.findall(path.read_text(encoding="utf-8")):
        there = path.parent / target if target else path
        if there.suffix == ".md" and there.is_file() and there not in headings:
            titles = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            headings[there] = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        if not there.exists() or (place and place not in headings[there]):
            yield f"{target}#{place}" if place else target
