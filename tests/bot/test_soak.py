"""The soak in short: under load the worker is killed and the gateway's connection dropped, and nobody is lost."""

import json

from benchmarks.soak import soak
from benchmarks.soak_report import Plan

LIGHT = frozenset({"spam score", "form", "menu", "hearth show", "unknown session"})
OTHERS = ("animeface", "article", "digits", "fact", "image", "reviews", "sentiment", "stock")


async def test_under_load_the_worker_dies_and_the_gateway_drops_and_nobody_is_lost() -> None:
    plan = Plan(seconds=7.0, rate=6.0, mix=LIGHT, timetable=((1.5, "worker"), (4.5, "gateway")))
    found = await soak(plan, settings={"HEARTH_DISABLED_PLUGINS": json.dumps(OTHERS)})
    assert [each.kind for each in found.faults] == ["worker", "gateway"]
    assert all(each.recovered is not None for each in found.faults)
    assert len(found.requests) >= 35
    assert not found.lost
    assert found.count("answered") + found.count("refused") >= 30
