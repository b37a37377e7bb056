"""What the engine does by the clock."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.errors import CryptobotError
from telemetry.metrics import Metrics

STATUS: Final = "status"
CLOCK_SYNC: Final = "clock_sync"
RECONCILIATION: Final = "reconciliation"
ROLLUP: Final = "rollup"
NAMES: Final = (STATUS, CLOCK_SYNC, RECONCILIATION, ROLLUP)

Job = Callable[[], Awaitable[None]]

_log = structlog.stdlib.get_logger("cryptobot.engine")


class Jobs:
    """Runs jobs at their intervals; one that fails is logged, counted, and runs again.

    Args:
        jobs: By name, the interval in seconds and what to do.
        metrics: Counts and times them.
        clock: Measures them.
    """

    def __init__(
        self, jobs: Mapping[str, tuple[float, Job]], metrics: Metrics, clock: Clock
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        for name, (interval_s, job) in jobs.items():
            self._scheduler.add_job(
                self._run,
                "interval",
                args=(name, job),
                id=name,
                seconds=interval_s,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._scheduler.add_listener(self._missed, EVENT_JOB_MISSED)

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def close(self) -> None:
        """Stop; a running job is cancelled."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _run(self, name: str, job: Job) -> None:
        started = self._clock.monotonic_ns()
        failed = False
        try:
            await job()
        except CryptobotError as error:
            failed = True
            _log.warning("job_failed", job=name, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the next run may be well
            failed = True
            _log.error("job_failed", job=name, exc_info=error)
        seconds = (self._clock.monotonic_ns() - started) / NS_PER_S
        self._metrics.process.job(name, seconds, failed=failed)

    def _missed(self, event: JobExecutionEvent) -> None:
        self._metrics.process.job_missed(event.job_id)
