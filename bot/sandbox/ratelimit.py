"""Rate limits as Discord announces them in headers: fixed windows, a bucket for each route and main resource."""

import hashlib
import time
from dataclasses import dataclass
from typing import Final

MAX_BUCKETS: Final = 10_000


@dataclass
class _Window:
    limit: int
    remaining: int
    ends: float


@dataclass(frozen=True)
class Verdict:
    """Whether a request may pass, and the headers that go with the answer."""

    headers: dict[str, str]
    retry_after: float | None = None
    """Seconds to wait; None when the request may pass."""
    is_global: bool = False


class RateLimits:
    """All buckets. Generous (50 a second each), or as tight as Discord's for messages (5 in 5 s)."""

    def __init__(self, realistic: bool) -> None:
        self.realistic = realistic
        self._windows: dict[tuple[str, str], _Window] = {}
        self._global = _Window(50, 50, 0.0)
        self._names: dict[str, str] = {}

    def take(self, route: str, resource: str, *, counts_globally: bool) -> Verdict:
        """Count one request on a route, such as `POST /channels/{channel_id}/messages`, for one resource."""
        now = time.monotonic()
        if self.realistic and counts_globally:
            if now >= self._global.ends:
                self._global = _Window(50, 50, now + 1)
            if self._global.remaining == 0:
                wait = self._global.ends - now
                return Verdict({"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, wait, True)
            self._global.remaining -= 1
        window = self._windows.get((route, resource))
        if window is None or now >= window.ends:
            limit, seconds = (5, 5.0) if self.realistic else (50, 1.0)
            self._purge(now)
            window = self._windows[route, resource] = _Window(limit, limit, now + seconds)
        passes = window.remaining > 0
        window.remaining -= passes
        left = window.ends - now
        name = self._names.get(route)
        if name is None:
            name = self._names[route] = hashlib.sha256(route.encode()).hexdigest()[:16]
        headers = {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": name,
        }
        if passes:
            return Verdict(headers)
        return Verdict({**headers, "X-RateLimit-Scope": "user"}, left)

    def _purge(self, now: float) -> None:
        if len(self._windows) >= MAX_BUCKETS:
            self._windows = {key: w for key, w in self._windows.items() if w.ends > now}
