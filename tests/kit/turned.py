"""A bot whose clock the test turns: what is due runs at once, however far away its time is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schedules.ledger import Claim, Ledger
from schedules.runner import Runner
from shared.context import JobContext
from shared.database import Database
from shared.jobs import Entry, Jobs, Misfire, milliseconds, moment
from shared.plugin import Job
from shared.schedule import Schedule


async def nothing(_context: JobContext) -> None:
    """Do nothing."""


@dataclass
class Turned:
    """A bot whose clock the test turns. `log` holds (due, when it ran) of each attempt."""

    database: Database
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    log: list[tuple[datetime, datetime]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    raises: list[BaseException] = field(default_factory=list)
    job: Job = field(default_factory=lambda: Job(name="post", run=nothing))

    def now(self) -> int:
        """Return the time that the test has turned to, in milliseconds."""
        return milliseconds(self.at)

    @property
    def jobs(self) -> Jobs:
        """Return the rows of jobs, by this clock."""
        return Jobs(self.database, self.now)

    def runner(self, instance: str = "one", life: str = "a") -> Runner:
        """Return what runs them."""
        ledger = Ledger(self.database, instance=instance, life=life, now=self.now)
        return Runner(
            ledger,
            lambda: {("stock", "post"): self.job},
            self._work,
            explain=lambda _e, _c: "ab12",
            tell=self._tell,
        )

    async def _work(self, claim: Claim, _job: Job) -> None:
        self.log.append((moment(claim.run.due_ms), self.at))
        if self.raises:
            raise self.raises.pop(0)

    async def _tell(self, _claim: Claim, error: BaseException, error_id: str | None) -> None:
        self.told.append(f"{error} {error_id}")

    async def until(self, end: datetime, runner: Runner) -> None:
        """Turn the clock to `end`, from one due time to the next."""
        while True:
            await self.settle(runner)
            due = await runner.ledger.next_due()
            if due is None or moment(due) > end:
                self.at = end
                return
            self.at = moment(due)

    async def settle(self, runner: Runner) -> None:
        """Run all that is due now."""
        done = -1
        while len(self.log) > done:
            done = len(self.log)
            await runner.turn()
            await runner.idle()

    async def add(self, text: str, zone: str = "UTC", misfire: Misfire = "once", **more: Any) -> Entry:
        """Add a job that the runner knows."""
        return await self.jobs.put("stock", "post", Schedule.read(text, zone), misfire=misfire, **more)
