"""Both databases keep days, months, turns, forecasts and alarms alike; forecasts are kept as they were, and scored."""

import datetime
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from plugins.stock.exchange_series import made_up
from plugins.stock.exchange_server import LocalExchange
from plugins.stock.fetching import brought_up
from plugins.stock.forecasts import foresee, score, scored
from plugins.stock.ledger import days_of, put_import
from plugins.stock.model import ForecastRequest, ForecastResult, Stock
from plugins.stock.tables import metadata
from shared.database import Database
from shared.migrate import migrate, migrate_back
from shared.model import Device
from shared.settings import Settings
from tests.kit.postgres import postgres
from tests.plugins.stock.trading import EVENING, TODAY, asking

MIGRATIONS = Path(__file__).parents[3] / "plugins" / "stock" / "migrations"
GUILD = 10


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'either.db'}"
    else:
        url = Settings(_env_file=None, database_url=request.getfixturevalue("address")).database  # type: ignore[call-arg]
    opened = Database(url)
    await migrate(opened, "stock", MIGRATIONS)
    yield opened
    await migrate_back(opened, "base", "stock", MIGRATIONS)
    await opened.close()


def differences(connection: Connection) -> list[object]:
    def ours(thing: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
        return kind != "table" or (str(name).startswith("stock_") and not str(name).endswith("_version"))

    context = MigrationContext.configure(connection, opts={"include_object": ours})
    return list(compare_metadata(context, metadata))


class Here:
    """Asks the real model, in this process."""

    def __init__(self) -> None:
        self.model = Stock.load(Stock.default, Device())
        self.said: list[ForecastResult] = []

    async def predict(self, _model: Any, request: ForecastRequest, **_more: Any) -> ForecastResult:
        """Answer as the worker does."""
        (result,) = self.model.predict([request])
        assert isinstance(result, ForecastResult)
        self.said.append(result)
        return result


@pytest.fixture(scope="module")
def predictor() -> Here:
    return Here()


async def test_the_migration_makes_exactly_the_declared_tables(either: Database) -> None:
    async with either.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_days_come_back_as_they_were_put_and_the_exchange_s_count_before_imported_ones(
    either: Database, tmp_path: Path
) -> None:
    async with LocalExchange(today=TODAY) as exchange:
        ctx, _ = asking(either, tmp_path, exchange, guild=GUILD)
        host = ctx.settings.host
        other = made_up("9876", TODAY).days[-150:]
        await put_import(either, "2330", GUILD, other)
        assert await days_of(either, "2330", host, GUILD) == other
        assert await days_of(either, "2330", host, GUILD + 1) == []
        days = (await brought_up(ctx, "2330", now=EVENING)).days
        fetched = [day for day in exchange.days("2330") if f"{day.date:%Y-%m}" >= "2026-08"]
        dates = {day.date for day in fetched}
        assert days == sorted(
            [*fetched, *(d for d in other if d.date not in dates)], key=lambda day: day.date
        )
        # A second import is in place of the first.
        await put_import(either, "2330", GUILD, other[:1])
        assert (await days_of(either, "2330", host, GUILD))[1:] == fetched


async def test_a_forecast_is_kept_as_it_was_first_and_scored_when_its_day_has_come(
    either: Database, tmp_path: Path, predictor: Here
) -> None:
    days = made_up("2330", TODAY).days[-70:]
    async with LocalExchange(today=TODAY) as exchange:
        ctx, _ = asking(either, tmp_path, exchange, guild=GUILD, predictor=predictor)
        first = (await foresee(ctx, "2330", days[:65], 3)).ahead[0]
        await score(either, GUILD, "2330", days[:65])
        assert await scored(either, GUILD, "2330") == []
        # The past is not written anew, whatever the same day's numbers are said to be later.
        low = days[64].low
        changed = [*days[:64], msgspec.structs.replace(days[64], close=low - 1, low=low - 1)]
        await foresee(ctx, "2330", changed, 5)
        await foresee(ctx, "2330", days[:66], 1, afterwards=True)
        await score(either, GUILD, "2330", days[:67])
    (made,) = await scored(either, GUILD, "2330")
    assert (made.made_on, made.close, made.ahead) == (days[64].date, days[64].close, 1)
    assert (made.came_on, made.came) == (days[65].date, days[65].close)
    assert (made.expected, made.low90, made.high90) == (first.expected, first.low90, first.high90)
    assert made.error == abs(days[65].close - first.expected)
    assert made.walk_error == abs(days[65].close - days[64].close)
    assert made.inside == (first.low90 <= days[65].close <= first.high90)
    assert [m.made_on for m in await scored(either, GUILD, "2330", ahead=2)] == [days[64].date]
    assert await scored(either, GUILD, "2330", ahead=3) == []
    both = await scored(either, GUILD, "2330", afterwards=True)
    assert [m.afterwards for m in both] == [False, True]
    assert await scored(either, GUILD + 1, "2330") == []


async def test_a_forecast_from_a_day_that_is_not_known_any_more_is_not_scored_by_another_day(
    either: Database, tmp_path: Path, predictor: Here
) -> None:
    days = made_up("2330", TODAY).days[-70:]
    async with LocalExchange(today=TODAY) as exchange:
        ctx, _ = asking(either, tmp_path, exchange, guild=GUILD, predictor=predictor)
        await foresee(ctx, "2330", days[:65], 1)
    await score(either, GUILD, "2330", [*days[:64], *days[65:]])
    await score(either, GUILD, "2330", days[66:])
    assert await scored(either, GUILD, "2330") == []


def test_a_made_up_stock_is_the_same_each_day_and_looks_like_one() -> None:
    series = made_up("2330", TODAY)
    assert made_up("2330", TODAY - datetime.timedelta(days=400)).days == [
        day for day in series.days if day.date <= TODAY - datetime.timedelta(days=400)
    ]
    assert made_up("2317", TODAY).days != series.days
    assert len(series.days) > 1800
    assert 0 < len(series.quiet) < 30
    assert 5 <= sum(day.ex_dividend for day in series.days) <= 9
    for day in series.days:
        assert day.low <= min(day.open, day.close) <= max(day.open, day.close) <= day.high
        assert day.date.weekday() < 5
