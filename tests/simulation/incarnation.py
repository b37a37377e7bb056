"""One engine process: the real engine, cut out of its world when it is killed.

Everything is real but the edges: the way to the exchange, the process that writes the journal (the
disk), the control socket and the wall clock's scheduler.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import CryptobotError
from cryptobot.domain.ids import IdSource
from cryptobot.engine import engine as engine_module
from cryptobot.engine import jobs as jobs_module
from cryptobot.engine import rooms as rooms_module
from cryptobot.engine.engine import Engine
from cryptobot.engine.metrics_feed import CHANNELS
from cryptobot.engine.rooms import Rooms
from cryptobot.settings import Settings
from cryptobot.strategies.catalogue import find_strategies
from cryptobot.trading import guarded_exchange
from telemetry.catalogue import ORDER_LATENCY_BUCKETS_MS
from telemetry.health import Health
from telemetry.metrics import Metrics

from .disk import SimulatedDisk, SimulatedJournal
from .tier import Way
from .virtual_loop import NumberedTask, VirtualClock, VirtualLoop

PROCESS: ContextVar["Incarnation | None"] = ContextVar("simulated_process", default=None)
"""The process that the running callback belongs to."""


class VirtualJobs:
    """Runs the engine's jobs by the loop's time: APScheduler knows only the machine's."""

    def __init__(
        self,
        jobs: Mapping[str, tuple[float, Callable[[], Coroutine[Any, Any, None]]]],
        _: Metrics,
        __: Clock,
    ) -> None:
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._repeat(interval_s, job), name=f"job-{name}")
            for name, (interval_s, job) in self._jobs.items()
        ]

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    @staticmethod
    async def _repeat(interval_s: float, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await job()
            except CryptobotError:  # the next run may be well
                continue


class NoSocket:
    """The control server of an engine that nobody can reach but by its methods."""

    connections = 0

    def __init__(self, *_: object) -> None:
        pass

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass


class NoPulse:
    """Measures no lag: virtual time has none."""

    worst_s = 0.0

    def __init__(self, *_: object) -> None:
        pass

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()


@functools.cache
def new_metrics() -> Metrics:
    """Return the metrics: making them takes longer than a run, so one set serves all."""
    return Metrics(
        exchanges=("binance",),
        symbols=("BTC/USDT", "ETH/USDT"),
        currencies=("USDT",),
        channels=CHANNELS,
        jobs=jobs_module.NAMES,
    )


_find_strategies = functools.cache(find_strategies)


class Incarnation:
    """An engine from its start to its end.

    Args:
        settings: How it runs.
        clock: Its machine's.
        way: To the exchange.
        disk: Its journal's.
        journal: On that disk.
        rng: For its ids.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: VirtualClock,
        way: Way,
        disk: SimulatedDisk,
        journal: SimulatedJournal,
        rng: Random,
    ) -> None:
        self.clock, self.way, self.disk, self.journal = clock, way, disk, journal
        self.alive = True
        self.ready = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self.context: Context = copy_context()
        self.context.run(PROCESS.set, self)
        self.metrics = new_metrics()
        del self.metrics._refreshers[1:]  # of engines that are gone: they would all be kept
        self.metrics.restore(0, [0] * (len(ORDER_LATENCY_BUCKETS_MS) + 1), 0.0)
        self.engine = self.context.run(self._built, settings, rng)

    @property
    def rooms(self) -> Rooms:
        """The rooms of its order path."""
        return self.engine._rooms

    async def start(self) -> None:
        """Start the journal and the engine."""
        await self.journal.start()
        await self.engine.start()
        self.ready = True

    async def close(self) -> None:
        """End in order."""
        self.ready = False
        await self.engine.close()
        await self.journal.close()

    def cut(self, *, power: bool) -> None:
        """Cut the process out of its world, as a kill does.

        Its tasks are cancelled, but nothing they still do reaches anything: the network and the
        disk are gone.
        """
        if not self.alive:
            return
        self.alive = self.ready = False
        self.way.close()
        self.disk.cut(power=power)
        for task in list(self.tasks):
            task.cancel()

    def run(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run something inside this process."""
        return asyncio.get_running_loop().create_task(
            coroutine, name=name, context=self.context.copy()
        )

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Take a task that was made in this process."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if not self.alive:
            task.get_loop().call_soon(task.cancel, context=Context())

    def _built(self, settings: Settings, rng: Random) -> Engine:
        with _edges(self.way):
            return Engine(
                settings,
                keys=("key", "secret"),
                journal=self.journal,
                metrics=self.metrics,
                health=Health({"exchange": "not connected yet"}),
                clock=self.clock,
                ids=IdSource(rng),
            )


@contextmanager
def _edges(way: Way) -> Iterator[None]:
    with (
        patch.object(rooms_module, "ExchangeClient", way.client),
        patch.object(rooms_module, "find_strategies", _find_strategies),
        patch.object(engine_module, "ControlServer", NoSocket),
        patch.object(engine_module, "LoopLag", NoPulse),
        patch.object(guarded_exchange, "random", SimpleNamespace(Random=lambda: Random(way.seed))),
        patch.object(jobs_module, "Jobs", VirtualJobs),
    ):
        yield


def task_factory(
    loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
) -> asyncio.Task[Any]:
    """Make a task and tell the process that it belongs to."""
    assert isinstance(loop, VirtualLoop)
    task: asyncio.Task[Any] = NumberedTask(coroutine, loop=loop, **options)
    context = options.get("context")
    process = PROCESS.get() if context is None else context.get(PROCESS)
    if process is not None:
        process.adopt(task)
    return task
