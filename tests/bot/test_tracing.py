"""Traces of OpenTelemetry, taken by a real receiver of OTLP over HTTP, to which the bot and its worker send theirs."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from bot.tracing import hindrance, traces_of, wanted
from shared.errors import BadInput, ModelFailed
from shared.settings import Settings
from shared.tracing import NO_TRACES
from tests.kit.house import house
from tests.kit.models import Ask, Echo
from tests.kit.worker import warm

REPOSITORY = Path(__file__).parents[2]
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
FEW = frozenset(
    {"animeface", "article", "digits", "fact", "image", "reviews", "rollcall", "sentiment", "stock", "trend"}
)
SECRET_TEXT = "claim your wonderful PRIZE of 900 pounds, call xanadu-4711"


@dataclass(frozen=True)
class Span:
    """A span as it arrived."""

    name: str
    trace: str
    id: str
    parent: str
    process: int
    service: str
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    status: tuple[int, str]
    events: int


@dataclass
class Receiver:
    """What takes traces."""

    port: int = 0
    spans: list[Span] = field(default_factory=list)
    raw: bytes = b""

    @property
    def address(self) -> str:
        """Its address, as the standard variable takes it."""
        return f"http://127.0.0.1:{self.port}"

    async def take(self, request: web.Request) -> web.Response:
        """Answer one export."""
        body = await request.read()
        self.raw += body
        sent = ExportTraceServiceRequest.FromString(body)
        for of in sent.resource_spans:
            about = {each.key: each.value for each in of.resource.attributes}
            for scope in of.scope_spans:
                for span in scope.spans:
                    self.spans.append(
                        Span(
                            span.name,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            about["process.pid"].int_value,
                            about["service.name"].string_value,
                            {
                                a.key: getattr(a.value, str(a.value.WhichOneof("value")))
                                for a in span.attributes
                            },
                            tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                            (span.status.code, span.status.message),
                            len(span.events),
                        )
                    )
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )

    async def until(self, enough: Callable[[list[Span]], bool]) -> list[Span]:
        """Wait until the spans are enough."""
        async with asyncio.timeout(20):
            while not enough(self.spans):
                await asyncio.sleep(0.02)
        return self.spans

    def named(self, name: str) -> list[Span]:
        """Return the spans of that name."""
        return [span for span in self.spans if span.name == name]


@asynccontextmanager
async def receiving(patch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """Receive traces, and have the environment say so."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.port = runner.addresses[0][1]
        patch.setenv(ENDPOINT, receiver.address)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


async def test_one_slash_command_is_one_tree_of_spans_over_two_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", http_port=None, disabled_plugins=FEW)  # type: ignore[call-arg]
    async with receiving(monkeypatch) as receiver:
        async with house(settings) as home:
            answer = await (await home.person()).slash("spam score", text=SECRET_TEXT)
            assert "spam" in answer.text.lower()
            (entry, *_) = await home.core.jobs.find("core", "sweep")
            assert await home.core.jobs.run_now(entry.id) is not None
            await receiver.until(lambda spans: {"interaction", "run spam", "job"} <= {s.name for s in spans})
        # What was not sent yet came at the end, before the house was closed.
        everything = list(receiver.spans)
    (job, *_) = receiver.named("job")
    assert (job.parent, job.attributes["hearth.job"]) == ("", "core/sweep")
    (asked,) = receiver.named("interaction")
    assert {span.name for span in everything if not span.parent} == {"interaction", "job"}
    spans = [span for span in everything if span.trace == asked.trace]
    tree = {span.name: span for span in spans}
    above = {span.name: next((s.name for s in spans if s.id == span.parent), None) for span in spans}
    assert above == {
        "interaction": None,
        "acknowledge": "interaction",
        "admit": "interaction",
        "command": "interaction",
        "deliver": "interaction",
        "predict spam": "command",
        "batch spam": "predict spam",
        "run spam": "batch spam",
        # The picture of the words that decided.
        "predict charts": "command",
        "batch charts": "predict charts",
        "run charts": "batch charts",
    }
    assert len(spans) == len(tree)
    bots = {span.process for span in spans if not span.name.startswith("run ")}
    assert bots == {os.getpid()}
    assert tree["run spam"].process != os.getpid()
    assert (tree["interaction"].service, tree["run spam"].service) == ("hearth", "hearth-worker")
    assert tree["command"].attributes["hearth.command"] == "spam score"
    assert tree["deliver"].attributes["hearth.outcome"] == "ok"
    assert tree["batch spam"].attributes["hearth.size"] == 1
    assert tree["predict spam"].attributes["hearth.waited_seconds"] >= 0
    # Nobody's words, nor who they are.
    for told in ("xanadu", "PRIZE", "member-1"):
        assert told.encode() not in receiver.raw
    assert [span.name for span in spans if span.events] == []


async def test_a_batch_of_several_requests_is_below_the_first_and_linked_with_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with receiving(monkeypatch) as receiver:
        traces = traces_of(os.environ, "hearth")

        async def ask(text: str) -> None:
            with traces.trace("interaction"):
                await predictor.predict(Echo, Ask(text), timeout=20)

        async with warm(Echo, traces=traces) as predictor:
            await asyncio.gather(ask("a"), ask("b"), ask("c"))
            # Whoever asks outside of a trace begins none.
            await predictor.predict(Echo, Ask("d"), timeout=20)
            await receiver.until(lambda spans: len(spans) >= 8)
        await asyncio.to_thread(traces.close, 5)
        predicts, (batch,), (run,) = (
            receiver.named(name) for name in ("predict echo", "batch echo", "run echo")
        )
    assert len(receiver.spans) == 8
    assert len({span.trace for span in predicts}) == 3
    assert batch.attributes["hearth.size"] == 3
    (first,) = [span for span in predicts if span.id == batch.parent]
    others = [span for span in predicts if span is not first]
    assert set(batch.links) == {(span.trace, span.id) for span in others}
    assert [span.links for span in others] == [((batch.trace, batch.id),)] * 2
    assert first.links == ()
    assert (run.parent, run.trace) == (batch.id, first.trace)


async def test_a_span_tells_the_class_of_what_was_raised_and_never_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with receiving(monkeypatch) as receiver:
        traces = traces_of(os.environ, "hearth")
        with pytest.raises(ModelFailed), traces.trace("faulty"):
            raise ModelFailed(SECRET_TEXT)
        with pytest.raises(BadInput), traces.trace("refused"):
            raise BadInput(SECRET_TEXT)
        with pytest.raises(asyncio.CancelledError), traces.trace("cancelled"):
            raise asyncio.CancelledError
        await asyncio.to_thread(traces.close, 5)
        found = {span.name: (span.attributes, span.status) for span in receiver.spans}
    assert found["faulty"] == ({"error.type": "ModelFailed"}, (2, "ModelFailed"))
    assert found["refused"] == ({"error.type": "BadInput"}, (0, ""))
    assert found["cancelled"] == ({"hearth.cancelled": True}, (0, ""))
    assert b"xanadu" not in receiver.raw


def test_a_line_of_the_log_names_its_trace(tmp_path: Path) -> None:
    code = """
import os, structlog
from bot.tracing import traces_of
from shared import logs
from shared.tracing import here, trace_id

logs.configure("info", "json", secrets=[])
log, traces = structlog.get_logger("hearth.test"), traces_of(os.environ, "hearth")
with traces.trace("interaction"):
    log.info("inside", expected=trace_id())
log.info("outside", expected=here())
traces.close(0.1)
"""
    done = run(code, tmp_path, **{ENDPOINT: "http://127.0.0.1:1"})
    lines = {line["event"]: line for line in map(json.loads, done.stderr.splitlines())}
    inside, outside = lines["inside"], lines["outside"]
    assert len(inside["trace_id"]) == 32
    assert inside["trace_id"] == inside["expected"]
    assert "trace_id" not in outside
    assert outside["expected"] is None


async def test_a_receiver_that_is_away_costs_no_answer_and_holds_no_end_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    traces = traces_of(os.environ, "hearth")
    async with warm(Echo, traces=traces) as predictor:
        with traces.trace("interaction"):
            said = await predictor.predict(Echo, Ask("still here"), timeout=20)
    assert said.text == "still here"
    # The exporter itself would try for ten seconds and more; only that it is bounded matters here.
    started = time.monotonic()
    await asyncio.to_thread(traces.close, 0.3)
    assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    ("environment", "where"),
    [
        ({}, None),
        ({ENDPOINT: ""}, None),
        ({ENDPOINT: "http://a:4318"}, "http://a:4318"),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/v1/traces", ENDPOINT: "http://a"},
            "http://b/v1/traces",
        ),
        ({ENDPOINT: "http://a:4318", "OTEL_SDK_DISABLED": "true"}, None),
        ({ENDPOINT: "http://a:4318", "OTEL_TRACES_EXPORTER": "none"}, None),
    ],
)
def test_the_standard_variables_switch_traces_on(environment: dict[str, str], where: str | None) -> None:
    assert wanted(environment) == where
    if where is None:
        assert traces_of(environment, "hearth") is NO_TRACES


def test_a_protocol_that_is_not_spoken_traces_nothing_and_says_so() -> None:
    environment = {ENDPOINT: "http://a:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert "grpc" in str(hindrance(environment))
    assert traces_of(environment, "hearth") is NO_TRACES


def test_without_the_extra_the_bot_runs_on_and_says_what_is_missing(tmp_path: Path) -> None:
    code = """
import os, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from bot.tracing import hindrance, traces_of
from shared.tracing import NO_TRACES
assert traces_of(os.environ, "hearth") is NO_TRACES
print(hindrance(os.environ))
"""
    done = run(code, tmp_path, **{ENDPOINT: "http://127.0.0.1:1"})
    assert "hearth-bot[otel]" in done.stdout


def test_who_traces_nothing_imports_nothing_of_it(tmp_path: Path) -> None:
    code = """
import os, sys
import bot.assembly, bot.worker
bot.assembly.traces_of(os.environ, "hearth")
assert "opentelemetry" not in sys.modules
"""
    run(code, tmp_path)


def run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done
