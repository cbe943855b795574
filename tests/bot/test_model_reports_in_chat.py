"""Reports on trainings and comparisons of versions, as chat shows them in either language."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.model_versions import Difference
from bot.trainer import Job, run
from shared.reply import unescape
from shared.settings import Settings
from shared.store import Store
from tests.kit.answer import Answer
from tests.kit.house import House, house
from tests.kit.page import Page
from tests.kit.trainable import write_points

PLUGIN = """
from shared.plugin import Card, hookimpl
from tests.kit.trainable import CurvedMean

@hookimpl
def card():
    return Card(name="points", summary="Tells points.")

@hookimpl
def models():
    return [CurvedMean]
"""
MODEL = "curved-mean"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("chat")
    (folder / "plugins" / "points").mkdir(parents=True)
    (folder / "plugins" / "points" / "__init__.py").write_text(PLUGIN)
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=folder / "data",
        plugin_folders=(folder / "plugins",),
        http_port=None,
    )
    data, other = write_points(folder / "points.csv", spread=2.5), write_points(folder / "more.csv", rows=80)
    for kind, rows in (("CurvedMean", data), ("SwappedCurvedMean", data), ("CurvedMean", other)):
        train(settings, kind, rows, promote=rows == data)
    async with house(settings) as home:
        yield home


def train(settings: Settings, kind: str, data: Path, promote: bool) -> None:
    job = Job(
        model=f"tests.kit.trainable:{kind}",
        data=str(data),
        store=str(settings.models_dir),
        licence="CC0",
        promote=promote,
    )
    run(job, lambda done, note="": None)


def picture_of(answer: Answer) -> str:
    url: str = answer.message.raw["embeds"][0]["image"]["url"]
    return url.partition("?")[0].rpartition("/")[2].removeprefix("1-")


def versions(home: House) -> list[str]:
    return Store(home.core.settings.models_dir).versions(MODEL)


async def test_a_report_is_shown_and_attached(home: House) -> None:
    person = await home.person()
    answer = await person.slash("models report", model=MODEL, within=60)
    first = versions(home)[0]
    text = unescape(answer.text)
    assert f"Report on {MODEL} {first}" in text
    assert "Converged: in the last" in text
    assert "majority" in answer.text
    assert picture_of(answer) == "report.png"
    (page,) = [each for each in answer.message.raw["attachments"] if each["filename"].endswith(".html")]
    parsed = Page((await person.download(page)).decode())
    assert parsed.leads == []
    assert "script" not in parsed.tags
    assert parsed.marks["data-finding"] == ["converged"]
    assert "points.csv" in parsed.text


async def test_a_report_is_in_the_readers_language(home: House) -> None:
    person = await home.person("member-2", locale="zh-TW")
    answer = await person.slash("models report", model=MODEL, within=60)
    assert "曲線顯示" in answer.text
    assert "已收斂" in answer.text
    (page,) = [each for each in answer.message.raw["attachments"] if each["filename"].endswith(".html")]
    source = (await person.download(page)).decode()
    assert 'lang="zh-Hant-TW"' in source
    assert "損失曲線" in Page(source).text
    refused = await person.slash("models report", model="spam", within=60)
    assert "還沒有在這裡訓練過" in refused.text


async def test_two_versions_are_compared_on_the_rows_that_both_were_judged_on(home: House) -> None:
    person = await home.person()
    first, worse, elsewhere = versions(home)
    told = await person.slash("models compare", model=MODEL, version=worse, within=60)
    plain = unescape(told.text)
    assert f"{worse} is worse than {first}" in plain
    assert "CC0" in plain
    assert "kept it back" in plain
    assert picture_of(told) == "compare.png"
    turned = await person.slash("models compare", model=MODEL, other=worse, within=60)
    assert f"{first} is better than {worse}" in unescape(turned.text)
    apart = await person.slash("models compare", model=MODEL, version=elsewhere, within=60)
    assert "judged on different rows" in apart.text
    # Without versions: the one that answers, and another.
    assert first in unescape((await person.slash("models compare", model=MODEL, within=60)).text)
    same = await person.slash("models compare", model=MODEL, version=first, other=first, within=60)
    assert "two different versions" in same.text
    unknown = await person.slash("models compare", model=MODEL, version="../../x", within=60)
    assert "x" in unknown.text
    assert "Traceback" not in unknown.text


async def test_losses_of_two_trainings_on_one_file_are_paired(home: House) -> None:
    settings = home.core.settings
    train(settings, "CurvedMean", settings.data_dir.parent / "points.csv", promote=False)
    _, worse, _, again = versions(home)
    person = await home.person("member-2", locale="zh-TW")
    told = await person.slash("models compare", model=MODEL, version=again, other=worse, within=60)
    assert f"{again} 優於 {worse}" in unescape(told.text)
    assert Difference(-0.2, -0.3, -0.1).turned() == Difference(0.2, 0.1, 0.3)


async def test_all_models_are_shown_in_a_table_with_figures_beside_the_courses(home: House) -> None:
    person = await home.person()
    answer = await person.slash("models compare", within=60)
    assert "0.995 (0.989 – 0.999)" in unescape(answer.text)
    assert "99.46 %" in unescape(answer.text)
    assert "guessing" in answer.text
    embed = answer.message.raw["embeds"][0]
    assert {"spam", "sentiment", "fact", "stock", "digits"} <= {field["name"] for field in embed["fields"]}
    assert picture_of(answer) == "models.png"


async def test_a_card_shows_facts_figures_versions_and_a_picture(home: House) -> None:
    person = await home.person("member-2", locale="zh-TW")
    trained = await person.slash("models card", model=MODEL, within=60)
    for word in ("Nearest mean", "CC0", "accuracy", "majority", "guessing", versions(home)[0]):
        assert word in unescape(trained.text), word
    shipped = await person.slash("models card", model="spam", within=60)
    assert "這裡還沒有訓練過" in shipped.text
    assert "限制" in shipped.text
    for answer in (trained, shipped):
        assert picture_of(answer) == "card.png"
