"""`hearth predict MODEL [FILE|-]`: JSON lines in, JSON lines out, in order, through the worker."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import msgspec
import typer

from bot.cli.models import Known
from bot.cli.stream import LINE_LIMIT, WINDOW, answer_lines, read_lines
from bot.local_engine import LocalEngine
from bot.weights import WeightsInUse
from shared.errors import BadInput, HearthError
from shared.model import AnyModel
from shared.predictor import Predictor

DEADLINE_SECONDS: Final = 600.0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def predict(
        name: Annotated[str, typer.Argument(metavar="MODEL", help="A model, such as spam.")],
        file: Annotated[
            str, typer.Argument(metavar="[FILE|-]", help="JSON lines; - is standard input.")
        ] = "-",
    ) -> None:
        """Answer each line of JSON by one line of JSON, in order; a bad line by {"error": …}."""
        known = Known.find()
        model = known.model(name)
        with _opened(file) as source:
            try:
                asyncio.run(_predict(known, model, source, sys.stdout.buffer))
            except BrokenPipeError:
                # Whoever read our answers has had enough; and the interpreter must not flush once more.
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@contextmanager
def _opened(file: str) -> Iterator[int]:
    if file == "-":
        yield 0
        return
    if not Path(file).exists():
        raise BadInput("There is no file {file}.", file=file)
    with Path(file).open("rb", buffering=0) as source:
        yield source.fileno()


async def _predict(known: Known, model: AnyModel, descriptor: int, out: BinaryIO) -> None:
    async with _predictor(known, model) as predictor:
        await answer_lines(read_lines(descriptor), _answerer(predictor, model), out)


@asynccontextmanager
async def _predictor(known: Known, model: AnyModel) -> AsyncIterator[Predictor]:
    settings = known.settings
    engine = LocalEngine(
        [model],
        WeightsInUse(lambda: known.models, known.store, settings.hub),
        device=settings.device,
        threads=settings.threads,
        memory_budget_mib=settings.memory_budget_mib,
        warm=(model.name,),
    )
    predictor = Predictor(engine, [model], max_waiting=2 * WINDOW)
    try:
        await predictor.start()
        yield predictor
    finally:
        await predictor.close()


def _answerer(predictor: Predictor, model: AnyModel) -> Callable[[bytes | None], Awaitable[bytes]]:
    decoder = msgspec.json.Decoder(model.request)

    async def answer(line: bytes | None) -> bytes:
        try:
            request = _request(decoder, line)
            result = await predictor.predict(model, request, timeout=DEADLINE_SECONDS, bulk=True)
        except HearthError as error:
            return msgspec.json.encode({"error": str(error)})
        return msgspec.json.encode(result)

    return answer


def _request(decoder: msgspec.json.Decoder[Any], line: bytes | None) -> Any:
    if line is None:
        raise BadInput("The line is longer than {limit} bytes.", limit=LINE_LIMIT)
    if not line.strip():
        raise BadInput("The line is empty.")
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("{reason}", reason=str(error)) from None
    except RecursionError:
        raise BadInput("The JSON is nested too deeply.") from None
