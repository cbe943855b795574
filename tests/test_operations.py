"""What operators are given holds: every metric is documented, alerts and dashboard ask for what is there, the runbook's
commands and log lines exist."""

import ast
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from bot.cli import build
from bot.metrics import Metrics
from shared.engine import EngineStatus

REPOSITORY = Path(__file__).parents[1]
OPERATIONS = REPOSITORY / "docs" / "operations"
OVERVIEW = REPOSITORY / "docs" / "operations.md"
RUNBOOK = OPERATIONS / "runbook.md"
# What Prometheus itself adds.
OF_TARGETS = {"instance", "job"}
FUNCTIONS = {
    "and", "by", "changes", "histogram_quantile", "increase", "max", "min", "or", "predict_linear", "rate", "sum",
    "time", "topk", "unless", "vector",
}  # fmt: skip
PARTS = ["Shows as", "Confirm", "Do", "Over when"]
COMMAND = re.compile(r"^\$ (hearth .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Kept:
    """A metric: what kind it is, and its labels."""

    kind: str
    labels: frozenset[str]


@cache
def metrics() -> dict[str, Kept]:
    """Return every metric by its name, as its samples are when all of them have some."""
    counted = Metrics()
    counted.acknowledged(0.1)
    counted.answered("spam", "score", "ok", 0.1)
    counted.quota_refused()
    counted.batch_cut("spam", 1, 0)
    counted.batch_done("spam", 1, 0.1)
    counted.failed("spam", "Busy")
    counted.job_ended("core/backup", "done", 1.0)
    counted.lagged(0.0)
    counted.engine(EngineStatus("local", 1, True, 0, 1.0, "cpu", []))
    counted.checked("database", True)
    counted.surroundings(free=1.0, size=2.0, backup_age=3.0, quarantined=0, latency=0.1)
    found = {}
    for family in counted.registry.collect():
        samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        assert samples, f"{family.name} has no sample: count something above"
        labels = frozenset(label for sample in samples for label in sample.labels) - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = Kept(family.type, labels)
    return found


def of_series(name: str) -> Kept | None:
    """Return the metric that a series belongs to; of a histogram these are its buckets, their sum and count."""
    for ending in ("_bucket", "_sum", "_count"):
        kept = metrics().get(name.removesuffix(ending))
        if name.endswith(ending) and kept is not None and kept.kind == "histogram":
            return Kept(kept.kind, kept.labels | ({"le"} if ending == "_bucket" else set()))
    kept = metrics().get(name)
    return None if kept is None or kept.kind == "histogram" else kept


def wrong_with(expression: str, legend: str = "") -> list[str]:
    """Return what is wrong with a PromQL expression: names and labels that are not there, and the like."""
    wrong = []
    text = re.sub(r"#.*", "", expression).replace("$__rate_interval", "5m").replace("$instance", ".*")
    if text.count("(") != text.count(")"):
        wrong.append("parentheses do not match")
    bare = re.sub(r'"[^"]*"', '""', text)
    known: set[str] = set(OF_TARGETS)
    series = re.findall(r"\b(hearth_\w+|up\b)(?:\{([^}]*)\})?", bare)
    if not series:
        wrong.append("no metric is asked for")
    for name, matchers in series:
        kept = Kept("gauge", frozenset()) if name == "up" else of_series(name)
        if kept is None:
            wrong.append(f"there is no {name}")
            continue
        known |= kept.labels
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers):
            if label not in kept.labels | OF_TARGETS:
                wrong.append(f"{name} has no label {label}")
    for group in re.findall(r"\bby \(([^)]*)\)", bare):
        wrong += [f"by {label}" for label in re.split(r",\s*", group) if label not in known]
    wrong += [f"no function {f}" for f in re.findall(r"\b([a-z_]+) ?\(", bare) if f not in FUNCTIONS]
    grouped = {label for group in re.findall(r"\bby \(([^)]*)\)", bare) for label in re.split(r",\s*", group)}
    shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
    wrong += [f"{label} is shown and not there" for label in shown - (grouped or known)]
    return wrong


def rules() -> list[dict[str, Any]]:
    """Return every alert."""
    document = yaml.safe_load((OPERATIONS / "alerts.yml").read_text(encoding="utf-8"))
    assert set(document) == {"groups"}
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Return every panel of the dashboard but its headings."""
    document = json.loads((OPERATIONS / "dashboard.json").read_text(encoding="utf-8"))
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def sections() -> dict[str, str]:
    """Return the runbook's troubles: heading and text."""
    _, *found = re.split(r"^## ", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {each.partition("\n")[0]: each.partition("\n")[2] for each in found}


def anchor(heading: str) -> str:
    """Return the anchor that forges and MkDocs give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_a_mistake_in_an_expression_would_be_found() -> None:
    assert wrong_with("hearth_nothing") == ["there is no hearth_nothing"]
    assert wrong_with("hearth_answer_seconds > 1") == ["there is no hearth_answer_seconds"]
    assert wrong_with("hearth_answers") == ["there is no hearth_answers"]
    assert wrong_with('hearth_answers_total{model="spam"}') == ["hearth_answers_total has no label model"]
    assert wrong_with("sum by (model) (hearth_answers_total)") == ["by model"]
    assert wrong_with("avrage(hearth_answers_total)") == ["no function avrage"]
    assert wrong_with("sum by (group) (hearth_answers_total)", "{{command}}") == [
        "command is shown and not there"
    ]
    assert wrong_with("sum(hearth_answers_total") == ["parentheses do not match"]


def test_the_table_of_metrics_is_whole_and_right() -> None:
    text = OVERVIEW.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(hearth_\w+)` \| (\w+) \| ([\w, ]*) ?\| .+\|$", text, re.MULTILINE)
    documented = {
        name: Kept(kind, frozenset(filter(None, re.split(r",\s*", labels.strip()))))
        for name, kind, labels in rows
    }
    assert len(documented) == len(rows)
    assert documented == metrics()


def test_every_alert_asks_for_what_is_there_and_leads_to_its_page_of_the_runbook() -> None:
    anchors = {anchor(heading): text for heading, text in sections().items()}
    found = rules()
    assert len(found) >= 12
    assert len({rule["alert"] for rule in found}) == len(found)
    wrong = []
    for rule in found:
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in ("page", "ticket")
        wrong += [f"{rule['alert']}: {each}" for each in wrong_with(rule["expr"])]
        page, _, place = rule["annotations"]["runbook"].partition("#")
        assert page == RUNBOOK.name
        if f"`{rule['alert']}`" not in anchors.get(place, ""):
            wrong.append(f"{rule['alert']}: the runbook does not name it at {place}")
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        wrong += [f"{rule['alert']}: no label {label}" for label in shown if label not in rule["expr"]
                  and label not in OF_TARGETS | {"check"}]  # fmt: skip
    assert not wrong
    named = set(re.findall(r"`(Hearth[A-Z]\w+)`", RUNBOOK.read_text(encoding="utf-8")))
    assert named == {rule["alert"] for rule in found}


def test_every_panel_asks_for_what_is_there() -> None:
    wrong = [
        f"{panel['title']}: {each}"
        for panel in panels()
        for target in panel["targets"]
        for each in wrong_with(target["expr"], target["legendFormat"])
    ]
    assert not wrong
    document = json.loads((OPERATIONS / "dashboard.json").read_text(encoding="utf-8"))
    asked = document["annotations"]["list"][1]["expr"]
    assert not wrong_with(asked)


def test_the_dashboard_shows_every_metric() -> None:
    text = "\n".join(target["expr"] for panel in panels() for target in panel["targets"])
    apart = {"hearth_build_info", "hearth_worker_alive", "hearth_bot_process_virtual_memory_bytes"}
    assert sorted(name for name in metrics() if name not in text) == sorted(apart)


def test_the_dashboards_panels_lie_beside_each_other_and_have_a_unit_and_a_description() -> None:
    document = json.loads((OPERATIONS / "dashboard.json").read_text(encoding="utf-8"))
    assert document["schemaVersion"] >= 41
    assert document["uid"] == "hearth"
    assert {each["name"] for each in document["templating"]["list"]} == {"datasource", "instance"}
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    assert not [
        p["title"] for p in panels() if not p["description"] or not p["fieldConfig"]["defaults"]["unit"]
    ]
    assert not [p["title"] for p in panels() if p["datasource"]["uid"] != "${datasource}"]


def test_each_trouble_says_how_it_shows_how_to_be_sure_what_to_do_and_when_it_is_over() -> None:
    found = sections()
    assert len(found) >= 10
    for heading, text in found.items():
        assert re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE) == PARTS, heading
        assert "```console\n$ " in text, heading


def test_every_command_of_the_runbook_is_one_that_the_command_line_takes() -> None:
    commands = COMMAND.findall(RUNBOOK.read_text(encoding="utf-8") + OVERVIEW.read_text(encoding="utf-8"))
    assert len(set(commands)) > 15
    for line in sorted({line.split("  #")[0] for line in commands}):
        taken_by_the_command_line(line)
    with pytest.raises(Exception, match="No such command"):
        taken_by_the_command_line("hearth jobs mend 1")
    with pytest.raises(Exception, match="No such option"):
        taken_by_the_command_line("hearth doctor --offline")


def taken_by_the_command_line(line: str) -> None:
    """Have the command line's own parser read a command; raises where it does not."""
    import shlex

    command: Any = get_command(build())
    words, parent = shlex.split(line)[1:], None
    name = "hearth"
    while True:
        context = command.make_context(name, words, parent=parent)
        if not hasattr(command, "resolve_command"):
            return
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
        parent = context


def test_every_line_of_the_log_that_the_runbook_names_is_written_somewhere() -> None:
    events = set()
    for folder in ("bot", "shared", "schedules"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name("log")), args=[ast.Constant(str(event)), *_]
                    ):
                        events.add(event)
    text = " ".join(RUNBOOK.read_text(encoding="utf-8").split())
    named = {
        event
        for group in re.findall(r"\blog(?: says)? ((?:`[^`]+`(?:, | or )?)+)", text)
        for event in re.findall(r"`([^`]+)`", group)
    }
    assert {"worker died", "interaction lost", "new champion", "job failed", "states not read"} <= named
    assert not named - events


def test_every_metric_and_setting_that_the_runbook_names_is_there() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    named = set(re.findall(r"`(hearth_[a-z_]+)(?:\{[^}]*\})?`", text))
    assert len(named) > 10
    assert not [name for name in named if name not in metrics()]
    settings = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    assert not [name for name in set(re.findall(r"`(HEARTH_[A-Z_]+)`", text)) if f"`{name}`" not in settings]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_takes_the_alerts_and_they_fire_when_they_should() -> None:
    for arguments in (
        ["check", "rules", str(OPERATIONS / "alerts.yml")],
        ["test", "rules", str(REPOSITORY / "tests" / "fixtures" / "alerts_test.yml")],
    ):
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
