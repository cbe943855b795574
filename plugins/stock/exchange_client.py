"""Asks the exchange for one month of one stock, by `requests`: guarded, bounded, and again where it has trouble.

Everything here blocks, and runs beside the event loop; whose turn it is to ask, `plugins.stock.fetching` knows.
"""

import time
from types import TracebackType
from typing import Any, Final, Self

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util import Retry
from yarl import URL

from plugins.stock.exchange_page import Response
from shared.addresses import Reach, vet
from shared.errors import BadInput
from shared.polite import retry_after
from shared.texts import Text

LARGEST: Final = 1 << 20
"""Bytes of an answer; a month has some 4,000."""
TRIES: Final = 3
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 30.0
"""What a body may take that comes in small drops."""
NAME: Final = "Hearth"
"""What robots.txt calls us."""
AGENT: Final = f"{NAME}/0.1 (a chat bot; one request at a time)"
UNWANTED: Final = frozenset({403, 429})
UNWANTED_PAUSE: Final = 3_600.0
"""Seconds without a request after a 403 or 429 that does not say how many."""
TROUBLE_PAUSE: Final = 60.0
"""Seconds without a request after trouble in each of several tries."""
log = structlog.get_logger("hearth.stock")


class Trouble(Exception):
    """The exchange cannot be asked now, nor should it be for `pause` seconds."""

    def __init__(self, why: Text, pause: float = 0.0) -> None:
        super().__init__(str(why))
        self.why, self.pause = why, pause


class ExchangeClient:
    """`with ExchangeClient(...) as client`; `gap` are the seconds at least between one try and the next."""

    def __init__(self, url: str, response: Response, reach: Reach, gap: float) -> None:
        self._url, self._response, self._reach, self._gap = url, response, reach, gap

    def __enter__(self) -> Self:
        self._session = requests.Session()
        # No proxy or password of the environment: the address that is connected to is what is checked.
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": AGENT, "Accept-Encoding": "identity"})
        retry = _Patient(
            total=TRIES - 1,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=("GET",),
            backoff_factor=self._gap,
            # An answer that names a time is obeyed by asking nobody until then, not by waiting here.
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        adapter = _Guarded(self._reach, max_retries=retry)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def month(self, code: str, month: str) -> bytes:
        """Return what the exchange answers for a month such as 2020-01. Raises `Trouble`."""
        query = {"date": month.replace("-", "") + "01", "stockNo": code, "response": self._response}
        return self._tried(self._url, query)

    def robots(self) -> bytes:
        """Return the exchange's robots.txt; empty where it has none. Raises `Trouble`."""
        try:
            return self._tried(str(URL(self._url).origin() / "robots.txt"), {})
        except _Absent:
            return b""

    def _tried(self, url: str, query: dict[str, str]) -> bytes:
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(url, query)
            except _CutShort as error:
                if attempt == TRIES:
                    raise Trouble(error.why, TROUBLE_PAUSE) from None
                time.sleep(self._gap * 2 ** (attempt - 1))
        raise AssertionError

    def _once(self, url: str, query: dict[str, str]) -> bytes:
        try:
            vet(url, self._reach)
            with self._session.get(
                url,
                params=query,
                stream=True,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            ) as answer:
                _judge(answer)
                return _body(answer)
        except BadInput as error:
            raise Trouble(error.text) from None
        except requests.RequestException as error:
            log.warning("exchange not reached", why=_cause(error))
            raise Trouble(Text("it could not be reached"), TROUBLE_PAUSE) from None


class _Absent(Trouble):
    """Nothing is at an address."""


class _CutShort(Exception):
    """A body ended before its end, or came too slowly."""

    def __init__(self, why: Text) -> None:
        super().__init__(str(why))
        self.why = why


def _judge(answer: requests.Response) -> None:
    status, said = answer.status_code, answer.headers.get("Retry-After")
    if status == 200:
        return
    if status in UNWANTED:
        raise Trouble(
            Text("it wants no more requests now ({status})", {"status": status}),
            retry_after(said, UNWANTED_PAUSE),
        )
    if status >= 500:
        raise Trouble(
            Text("it has trouble of its own ({status})", {"status": status}), retry_after(said, TROUBLE_PAUSE)
        )
    # Redirects too: they may lead anywhere, and the exchange's table has one address.
    raise _Absent(Text("it answers {status}", {"status": status}), TROUBLE_PAUSE)


def _body(answer: requests.Response) -> bytes:
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Trouble(Text("its answer is compressed, which was not asked for"), TROUBLE_PAUSE)
    body, until = bytearray(), time.monotonic() + LONGEST_SECONDS
    try:
        for piece in answer.raw.stream(1 << 14, decode_content=False):
            body += piece
            if len(body) > LARGEST:
                raise Trouble(Text("its answer is larger than a month can be"), TROUBLE_PAUSE)
            if time.monotonic() > until:
                raise _CutShort(Text("its answer comes too slowly"))
    except (HTTPError, OSError) as error:
        raise _CutShort(Text("its answer breaks off")) from error
    return bytes(body)


def _cause(error: BaseException) -> str:
    inner = error.args[0] if error.args else error
    return str(getattr(inner, "reason", inner))[:300]


class _Patient(Retry):
    """Waits before the first repetition too, where urllib3 would not."""

    def get_backoff_time(self) -> float:
        return max(super().get_backoff_time(), self.backoff_factor)


class _Guarded(HTTPAdapter):
    """Connects to addresses that `reach` permits, and to no others, whatever a name leads to."""

    def __init__(self, reach: Reach, **more: Any) -> None:
        self._reach = reach
        super().__init__(**more)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Have pools make guarded connections."""
        super().init_poolmanager(*arguments, **more)
        reach = self._reach

        class Plain(HTTPConnection):
            def _new_conn(self) -> Any:
                return _checked(self, super()._new_conn(), reach)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> Any:
                return _checked(self, super()._new_conn(), reach)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


def _checked(connection: HTTPConnection, socket: Any, reach: Reach) -> Any:
    """Return a socket before anything is sent through it, or close it and raise where it leads to a closed network."""
    host, port = socket.getpeername()[:2]
    if not reach.permits(host, port):
        socket.close()
        raise NewConnectionError(connection, f"{host} may not be connected to")
    return socket
