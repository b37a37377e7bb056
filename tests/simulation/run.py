"""One run: a scenario, played against an engine, judged all the way to its end."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from functools import partial
from random import Random
from typing import Any, Final
from unittest.mock import patch

from cryptobot.domain.errors import CryptobotError
from cryptobot.domain.mode import TradingState
from cryptobot.domain.order import Fill, Order, OrderIntent, OrderState, OrderType, Side
from cryptobot.engine.process import is_echo
from cryptobot.trading import mode_controller

from .disk import Committed, DiskLock, SimulatedDisk, SimulatedJournal
from .incarnation import Incarnation, task_factory
from .logs import logs_to
from .model_exchange import BTC
from .model_tier import ModelTier
from .oracle import Oracle
from .paper_oracle import PaperOracle
from .people import Interrupted, People, Wish, is_live
from .place import Place
from .scenario import Act, Crash, Moment, Scenario, draw
from .tier import Tier, World
from .trace import Trace
from .virtual_loop import Deadlock, VirtualClock, VirtualLoop
from .weather import CLEAR, Weather

START_AGAIN_S: Final = 1.0
MARKET_S: Final = 0.5
CALM_MARKET_S: Final = 2.0
"""When all is over, the market need not move so often."""

PREAMBLE_S: Final = 20.0
SETTLED_WITHIN_S: Final = 30.0
"""All must be settled by then after the last fault. What may take its time, one after the other:
a restart (4 s), the next try to connect (8 s), a breaker's pause (5 s), patience (6 s)."""

TIERS: Final = ("model", "wire")
LAST_WISH: Final = "f" * 32
FENCE_POLL_S: Final = 0.4
MOST_STEPS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went.

    Attributes:
        broken: What did not hold, in the order of its being noticed; empty when all did.
        trace: The latest events.
        fingerprint: Of all events.
        seen: How often what happened: that a run exercises something is a thing to test too.
    """

    tier: str
    scenario: Scenario
    broken: tuple[str, ...]
    trace: tuple[str, ...]
    fingerprint: str
    seen: Counter[str]

    def report(self) -> str:
        """Return what a person needs to know of a failed run."""
        return "\n".join(
            [
                *self.trace,
                "",
                *self.scenario.describe(),
                *(f"BROKEN: {what}" for what in self.broken),
                (
                    f"replay: python -m tests.simulation {self.scenario.seed} "
                    f"--tier {self.tier} --trace"
                ),
            ]
        )


class Broken(Exception):  # noqa: N818 - what it says
    """An invariant does not hold; the run ends."""


class Run:
    """A world around one engine after the other.

    Args:
        scenario: What happens.
        place: Where the files are.
        tier: How deep, by name.
        echo: Gets the trace line by line.
    """

    def __init__(
        self, scenario: Scenario, place: Place, tier: str, echo: Callable[[str], None] | None = None
    ) -> None:
        self.scenario = scenario
        self._tier_name = tier
        self.place = place
        self.loop = VirtualLoop()
        self.loop.set_task_factory(task_factory)
        self.loop.set_exception_handler(self._on_loop_error)
        self.loop.at_rest = self._at_rest
        self.loop.after_step = self._after_step
        self._delays = self._rng("delays")
        self.loop.thread_delay_s = lambda: self._delays.uniform(0, 0.005)
        self.trace = Trace(self.loop.time, place.folder, echo)
        self.committed = Committed()
        self.broken: list[str] = []
        self.seen: Counter[str] = Counter()
        self.clock = VirtualClock(self.loop)
        self.tier: Tier = tier_of(tier)(World(self.loop, self.clock, scenario, self.weather, self))
        self.exchange = self.tier.exchange
        self.oracle = Oracle(self.exchange, self.committed, self._fail)
        settings = place.settings(scenario.strategies)
        first = settings.paper.balances
        self.paper = PaperOracle(self.exchange, self.committed, first, self._fail)
        self.engine: Incarnation | None = None
        self.people = People(
            engine=lambda: self.engine,
            restart=self._restart,
            exchange=self.exchange,
            committed=self.committed,
            oracle=self.oracle,
            trace=self.trace,
            rng=self._rng("people"),
            on_paper=lambda: self._moment(Moment.PAPER),
        )
        self._settings = settings
        self._lock = DiskLock(place.database_file)
        self._begins_s: float | None = None
        self._ends_s = 0.0
        self._moments: Counter[Moment] = Counter()
        self._crashes = list(scenario.crashes)
        self._armed: tuple[int, Crash] | None = None
        self._cues = [(cue, [cue.count]) for cue in scenario.cues]
        self._cued: list[tuple[int, Act]] = []
        self._starts = 0
        self._outside = Context()
        self._world: set[asyncio.Task[Any]] = set()
        self._acts: list[asyncio.Task[Any]] = []

    def play(self) -> Outcome:
        """Play it to its end."""
        try:
            with self.tier.installed():
                self.loop.run_until_complete(self._main())
        except Broken:
            pass
        except Deadlock:
            self.broken.append("nothing is left to happen, and something is waited for")
        finally:
            self._wind_down()
        return Outcome(
            self._tier_name,
            self.scenario,
            tuple(self.broken),
            tuple(self.trace.last()),
            self.trace.fingerprint,
            self.seen,
        )

    # The script

    async def _main(self) -> None:
        await self.tier.open()
        self._spawn(self._move_market())
        await self._begin()
        self._begins_s = self.loop.time()
        self._ends_s = self._begins_s + self.scenario.active_s
        self.tier.begin_faults()
        for action in self.scenario.actions:
            await self._sleep_until(self._begins_s + action.at_s)
            self._acts.append(self._spawn(self.people.do(action.act)))
        await self._sleep_until(self._ends_s)
        self.tier.end_faults()
        self.trace.add("faults are over")
        self._crashes.clear()
        self._cues.clear()
        self.clock.offset_ns = 0
        await self._quiet()

    async def _begin(self) -> None:
        await self._start()
        if self.scenario.starts_live:
            await self._go_live(PREAMBLE_S)

    async def _quiet(self) -> None:
        """All faults are over: everything must be settled, and work must go on."""
        deadline_s = self.loop.time() + SETTLED_WITHIN_S
        last = ""
        while self.loop.time() < deadline_s:
            await asyncio.sleep(0.5)
            if self.engine is None or not self.engine.ready:
                last = "no engine runs"
                continue
            if not all(task.done() for task in self._acts):
                last = "somebody still waits for an answer"
                continue
            last = self.oracle.unsettled(self.engine) or ""
            if not last and self.engine.rooms.market.no_book(BTC):
                last = "there is no book to trade on"
            if not last:
                break
        if last:
            self._fail(f"not settled {SETTLED_WITHIN_S:.0f} s after the last fault: {last}")
        assert self.engine is not None
        await self._work_goes_on(self.engine)

    async def _work_goes_on(self, engine: Incarnation) -> None:
        if not is_live(engine):
            await self._go_live(60.0)
        for _ in range(120):
            if engine.rooms.modes.trading_state is TradingState.ACTIVE:
                break
            await asyncio.sleep(0.5)
        else:
            self._fail("trading is halted, though all is well")
        rooms = engine.rooms
        while rooms.market.no_book(BTC) or rooms.client.traffic.silent_s():  # noqa: ASYNC110
            await asyncio.sleep(0.5)  # who waits is outside
        far = self.exchange.price(BTC) - 5
        intent = OrderIntent(BTC, Side.BUY, OrderType.LIMIT, D("0.2"), far, request_id=LAST_WISH)
        state = await self.people.pursue(Wish(LAST_WISH, intent))
        if state is not OrderState.ACCEPTED:
            self._fail(f"work does not go on: a new order is {state}")
        order_id = self.committed.wanted[LAST_WISH][-1]
        order = await self.people.through(engine, engine.rooms.gateway.cancel(order_id), "cancel")
        if order.state is not OrderState.CANCELED:
            self._fail(f"work does not go on: a cancelled order is {order.state}")
        for _ in range(60):
            await asyncio.sleep(0.5)
            if not self.oracle.unsettled(engine):
                return
        self._fail(f"the last order is not settled: {self.oracle.unsettled(engine)}")

    async def _go_live(self, within_s: float) -> None:
        deadline_s = self.loop.time() + within_s
        while self.loop.time() < deadline_s:
            await asyncio.sleep(0.5)
            engine = self.engine
            if engine is not None and engine.ready and await self.people.to_live():
                return
        self._fail(f"live cannot be reached within {within_s:.0f} s, though all is well")

    # Engines

    async def _start(self) -> bool:
        """Start an engine; return whether that was all right."""
        self._starts += 1
        self.trace.add(f"start {self._starts}")
        rng = self._rng(f"engine-{self._starts}")
        disk = SimulatedDisk(
            self.place.committer,
            self.committed,
            self.weather,
            rng,
            on_commit=lambda: self._moment(Moment.COMMIT),
            on_told=lambda: self._moment(Moment.TOLD),
        )
        journal = SimulatedJournal(self.place.database, self.clock, disk)
        engine = Incarnation(
            self._settings,
            clock=self.clock,
            way=self.tier.way(rng),
            disk=disk,
            journal=journal,
            rng=rng,
        )
        self.engine = engine
        self.paper.watch(engine)
        try:
            await self.people.through(engine, engine.start(), "start")
        except Interrupted:
            return True  # who killed it starts the next
        except CryptobotError as error:
            self.trace.add(f"start failed: {error}")
            engine.cut(power=False)
            self.engine = None
            return False
        self._look_at_start(engine)
        return True

    def _look_at_start(self, engine: Incarnation) -> None:
        tracker = engine.rooms.tracker
        tracker.listen(partial(self._on_order, engine))
        self.oracle.on_start(engine)
        status = engine.rooms.modes.status
        self.trace.add(f"started {status.mode} {engine.rooms.modes.trading_state}")

    async def _restart(self) -> None:
        """End the engine in order and start another; a crash may come in between."""
        engine = self.engine
        if engine is None or not engine.ready:
            return
        engine.ready = False
        await self.people.through(engine, engine.close(), "close")
        engine.cut(power=False)
        await self._start_again(0.1)

    def _kill(self, crash: Crash) -> None:
        engine = self.engine
        if engine is None or not engine.alive:
            return
        self.seen["crash"] += 1
        self.trace.add(f"KILLED after {crash.moment} {crash.count}")
        engine.cut(power=crash.power)
        self.engine = None
        self._spawn(self._start_again(crash.down_s))

    async def _start_again(self, down_s: float) -> None:
        self.engine = None
        await asyncio.sleep(down_s)
        while not await self._start():  # noqa: ASYNC110 - it tries again
            await asyncio.sleep(START_AGAIN_S)

    # What the world sees

    def weather(self) -> Weather:
        """Return what goes wrong now."""
        now_s = self.loop.time()
        if self._begins_s is None or now_s >= self._ends_s:
            return CLEAR
        return self.scenario.weather(now_s - self._begins_s)

    def on_noise(self, what: str) -> None:
        """A request left while the exchange wants silence."""
        self._fail(f"{what} left while the exchange wants silence")

    def on_left(self, name: str, what: str) -> None:
        """The bytes of an order left."""
        assert self.engine is not None
        self.seen["left"] += 1
        self.trace.add(f"left {name[:8]} {what}")
        self.oracle.on_left(self.engine, name)
        self._moment(Moment.WRITE)

    def on_sent(self, name: str) -> None:
        """An order is on its way."""
        self.oracle.on_sent(name)

    def on_lost(self, name: str) -> None:
        """An order will not arrive any more."""
        self.oracle.on_lost(name)

    def on_report(self) -> None:
        """The exchange has something to say of an order."""
        self._moment(Moment.REPORT)

    def on_event(self, what: str) -> None:
        """Something happened that is worth a line."""
        self.seen[what] += 1
        self.trace.add(what)

    def on_arrived(self, name: str) -> None:
        """The exchange has executed or refused an order."""
        self.trace.add(f"arrived {name[:8]}")
        self.oracle.on_arrived(name)
        self._moment(Moment.ARRIVAL)

    def _on_order(self, engine: Incarnation, order: Order, fills: tuple[Fill, ...]) -> None:
        if not engine.alive:
            return
        self.seen[f"{order.mode} {order.state}"] += 1
        self.trace.add(
            f"order {order.order_id[:6]} {order.mode} {order.state} {order.filled} "
            f"+{len(fills)} {order.reason or ''}"
        )
        self.oracle.on_order(order, fills)
        self.paper.on_order(order, fills)

    def _at_rest(self) -> None:
        if self.engine is not None and self.engine.alive:
            self.oracle.at_rest(self.engine)
            self.paper.at_rest(self.engine)
            self.engine.way.at_rest()
        if self.loop.steps > MOST_STEPS:
            self._fail("the run does not end")
        self._lock.hold(held=self.weather().disk_down)

    # Kills

    def _moment(self, moment: Moment) -> None:
        if self._begins_s is None:
            return
        for cue, left in self._cues:
            left[0] -= cue.moment is moment
            if cue.moment is moment and not left[0]:
                self._cued.append((self.loop.steps + cue.steps, cue.act))
        if not self._crashes:
            return
        self._moments[moment] += 1
        crash = self._crashes[0]
        if self._armed is None and self._moments[crash.moment] >= crash.count:
            self._armed = (self.loop.steps + crash.steps, crash)

    def _after_step(self) -> None:
        if self._cued and self.loop.steps >= self._cued[0][0]:
            self._acts.append(self._spawn(self.people.do(self._cued.pop(0)[1])))
        if self._armed is not None and self.loop.steps >= self._armed[0]:
            crash = self._armed[1]
            self._armed = None
            if self._crashes:
                self._crashes.pop(0)
                self._moments.clear()
                self._kill(crash)
        if self.broken:
            raise Broken

    # Inside

    async def _move_market(self) -> None:
        while True:
            self.tier.move()
            self._moment(Moment.TIME)
            over = self._ends_s and self.loop.time() > self._ends_s
            await asyncio.sleep(CALM_MARKET_S if over else MARKET_S)

    def _fail(self, what: str) -> None:
        self.broken.append(what)
        self.trace.add(f"BROKEN {what}")

    def _on_loop_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not is_echo(context):
            self._fail(f"unhandled in the loop: {context}")

    def _rng(self, purpose: str) -> Random:
        return Random(f"{purpose}-{self.scenario.seed}")

    def _spawn(self, coroutine: Any) -> asyncio.Task[Any]:
        task = self.loop.create_task(coroutine, context=self._outside.copy())
        self._world.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._world.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fail(f"the simulation itself broke: {task.exception()!r}")

    async def _sleep_until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self.loop.time()))

    def _wind_down(self) -> None:
        """End every task, so that nothing outlives the run."""
        self.loop.at_rest = self.loop.after_step = lambda: None
        self.loop.set_exception_handler(lambda *_: None)
        self._lock.hold(held=False)
        if self.engine is not None:
            self.engine.cut(power=False)
        for _ in range(20):
            left = asyncio.all_tasks(self.loop)
            if not left:
                break
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.wait(left, timeout=1))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        self.place.release()


def tier_of(name: str) -> Callable[[World], Tier]:
    """Return what makes a tier."""
    if name == "model":
        return ModelTier
    from .wire_tier import WireTier  # noqa: PLC0415 - ccxt's streams take seconds to import

    return WireTier


def play(
    seed: int, place: Place, echo: Callable[[str], None] | None = None, *, tier: str = "model"
) -> Outcome:
    """Play the run of a seed."""
    place.renew()
    run = Run(draw(seed), place, tier, echo)
    level = "info" if echo else "error"
    with (
        logs_to(run.trace.note, run._fail, level=level),
        # Its poll costs a tenth of a run; what must be fast is the look before the wire.
        patch.object(mode_controller, "FENCE_POLL_S", FENCE_POLL_S),
    ):
        return run.play()
