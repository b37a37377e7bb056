"""Every trigger of the automatic failover, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Order, OrderState
from cryptobot.trading.failover import Failover, FailoverLimits, Signals, Tripped
from tests.journal.samples import an_order

from .virtual_time import LoopClock, run_virtually, sleep_through

OFF = FailoverLimits(
    breaker_open=False,
    failed_orders=0,
    exchange_down_s=0,
    market_stale_s=0,
    journal_down_s=0,
    clock_skew_s=0,
)


@dataclass
class World:
    """What the triggers see, and what was switched when."""

    limits: FailoverLimits
    mode: Mode = Mode.LIVE
    breaker: str | None = None
    exchange: str | None = None
    heard_at: float | None = 0.0
    journal: str | None = None
    skew_s: float | None = 0.0
    loss: D | None = D(0)
    switched: list[tuple[float, Tripped]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.failover = Failover(
            self.limits,
            Signals(
                breaker_open=lambda: self.breaker,
                exchange_trouble=lambda: self.exchange,
                market_ages_s=self._ages,
                journal_trouble=lambda: self.journal,
                clock_skew_s=lambda: self.skew_s,
                daily_loss=lambda: self.loss,
            ),
            LoopClock(),
            mode=lambda: self.mode,
            switch=self._switch,
        )

    def _ages(self) -> dict[str, float | None]:
        return {"BTC/USDT": None if self.heard_at is None else self.now - self.heard_at}

    async def _switch(self, tripped: Tripped) -> None:
        self.switched.append((self.now, tripped))
        self.mode = Mode.PAPER

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def hear_until(self, end: float) -> None:
        """Let market data come every second until ``end``."""
        while self.now < end:
            self.heard_at = self.now
            await asyncio.sleep(1)


def watched(
    run: Callable[[World], Awaitable[None]], limits: FailoverLimits | None = None
) -> list[tuple[float, Tripped]]:
    """Watch while ``run`` does, and return the switches."""

    async def main() -> list[tuple[float, Tripped]]:
        world = World(limits or FailoverLimits())
        watch = asyncio.create_task(world.failover.watch())
        await run(world)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        return world.switched

    return run_virtually(main)


def failed(number: int, mode: Mode = Mode.LIVE, *, created_ns: int | None = None) -> Order:
    return an_order(
        order_id=f"{number:032x}",
        mode=mode,
        state=OrderState.UNRESOLVED,
        failed=True,
        created_ns=LoopClock().now_ns() if created_ns is None else created_ns,
    )


def test_nothing_wrong_never_switches() -> None:
    assert watched(lambda world: world.hear_until(3600)) == []


def test_open_breaker_switches_within_a_second() -> None:
    async def run(world: World) -> None:
        await world.hear_until(10)
        world.breaker = "the circuit breaker x:orders is open: time-out"
        opened_at = world.now
        await world.hear_until(20)
        assert world.switched[0][0] - opened_at < 0.5

    ((_, tripped),) = watched(run)
    assert tripped == Tripped("breaker_open", "the circuit breaker x:orders is open: time-out")


def test_fourth_failed_order_in_five_minutes_switches_at_once_and_each_counts_once() -> None:
    async def run(world: World) -> None:
        for number in (1, 2, 3, 3, 3):
            world.failover.on_order(failed(number), ())
        world.failover.on_order(failed(9, Mode.PAPER), ())
        world.failover.on_order(failed(8, created_ns=1), ())  # of an earlier run
        await world.hear_until(5)
        assert world.switched == []
        world.failover.on_order(failed(4), ())
        await asyncio.sleep(0)

    ((at, tripped),) = watched(run)
    assert (at, tripped.trigger) == (5, "failed_orders")
    assert tripped.reason == ("4 live orders failed or became unknown in 300 s; 3 are allowed")


def test_failed_orders_spread_over_more_than_the_window_do_not_switch() -> None:
    async def run(world: World) -> None:
        for number in range(20):
            world.failover.on_order(failed(number), ())
            await world.hear_until(world.now + 101)

    assert watched(run) == []


def test_exchange_down_for_its_time_switches_and_a_shorter_outage_does_not() -> None:
    async def run(world: World) -> None:
        world.exchange = "no route"
        await world.hear_until(29)
        world.exchange = None
        await world.hear_until(31)
        world.exchange = "no route"
        down_at = world.now
        await world.hear_until(100)
        assert world.switched[0][0] - down_at == pytest.approx(30, abs=0.5)

    ((_, tripped),) = watched(run)
    assert tripped == Tripped("exchange_down", "for 30 s: no route")


@pytest.mark.parametrize(("heard", "words"), [(True, "is 30 s old"), (False, "never came")])
def test_market_data_that_stays_away_switches(heard: bool, words: str) -> None:
    async def run(world: World) -> None:
        world.heard_at = 0.0 if heard else None
        await asyncio.sleep(40)

    ((at, tripped),) = watched(run)
    assert at == pytest.approx(30, abs=0.5)
    assert tripped == Tripped("market_stale", f"market data of BTC/USDT {words}")


def test_machine_that_slept_is_given_time_and_recovers_by_itself() -> None:
    async def run(world: World) -> None:
        await world.hear_until(10)
        world.exchange = "no route"
        sleep_through(3600)
        await asyncio.sleep(5)  # the streams come back
        world.exchange = None
        await world.hear_until(world.now + 100)

    assert watched(run) == []


def test_journal_that_takes_no_records_switches_after_its_time() -> None:
    async def run(world: World) -> None:
        world.journal = "the writer is being replaced"
        await world.hear_until(4)
        world.journal = None
        await world.hear_until(10)
        world.journal = "disk full"
        lost_at = world.now
        await world.hear_until(20)
        assert world.switched[0][0] - lost_at == pytest.approx(5, abs=0.5)

    ((_, tripped),) = watched(run)
    assert tripped == Tripped("journal_down", "for 5 s: disk full")


@pytest.mark.parametrize(("skew_s", "which"), [(2.1, "behind"), (-2.1, "ahead of")])
def test_clock_too_far_from_the_exchanges_switches(skew_s: float, which: str) -> None:
    async def run(world: World) -> None:
        world.skew_s = 2.0
        await world.hear_until(5)
        assert world.switched == []
        world.skew_s = skew_s
        await world.hear_until(6)

    ((_, tripped),) = watched(run)
    assert tripped.reason == (
        f"this machine's clock is 2.1 s {which} the exchange's; 2 s are allowed"
    )


def test_loss_over_the_limit_switches_and_without_a_limit_never() -> None:
    async def run(world: World) -> None:
        world.loss = D("100.01")
        await world.hear_until(5)

    assert watched(run) == []
    ((_, tripped),) = watched(run, FailoverLimits(daily_loss=D(100)))
    assert tripped == Tripped("daily_loss", "today's loss is 100.01; 100 is the limit")


def test_everything_wrong_and_everything_off_never_switches() -> None:
    async def run(world: World) -> None:
        world.breaker = world.exchange = world.journal = "wrong"
        world.heard_at, world.skew_s, world.loss = None, 99.0, D(10**9)
        for number in range(50):
            world.failover.on_order(failed(number), ())
        await asyncio.sleep(600)

    assert watched(run, OFF) == []


def test_on_paper_nothing_switches_but_every_trigger_stands_in_the_way_of_live() -> None:
    async def run(world: World) -> None:
        world.mode = Mode.PAPER
        world.breaker = "open"
        await asyncio.sleep(40)
        assert world.switched == []
        for number in range(9):
            world.failover.on_order(failed(number), ())
        assert [item.trigger for item in world.failover.standing()] == [
            "breaker_open",
            "market_stale",
        ]

    watched(run)


def test_failed_orders_are_forgiven_when_somebody_goes_live_again() -> None:
    async def run(world: World) -> None:
        for number in range(4):
            world.failover.on_order(failed(number), ())
        await asyncio.sleep(0)
        assert len(world.switched) == 1
        world.failover.forgive()
        world.mode = Mode.LIVE
        await world.hear_until(10)
        assert len(world.switched) == 1

    watched(run)


def test_wire_names_every_trigger_what_holds_and_what_it_fell_back_for() -> None:
    async def run(world: World) -> None:
        told = world.failover.to_wire()
        assert told["last"] is None
        assert {item["trigger"] for item in rows(told) if item["on"]} == {
            "breaker_open",
            "failed_orders",
            "exchange_down",
            "market_stale",
            "journal_down",
            "clock_skew",
        }  # daily_loss has no limit here
        await world.hear_until(3)
        world.exchange = "silence"
        await world.hear_until(15)
        assert holding(world)["exchange_down"] == pytest.approx(18.0, abs=1.0)
        world.exchange = None
        await world.hear_until(16)
        assert holding(world) == {}
        await asyncio.sleep(10)
        assert holding(world)["market_stale"] == pytest.approx(20.0, abs=1.0)
        world.breaker = "too many failures"
        world.failover.look()
        await asyncio.sleep(0)
        told = world.failover.to_wire()
        assert {item["trigger"]: item["holds"] for item in rows(told) if item["holds"]} == {
            "breaker_open": "too many failures"
        }
        last = told["last"]
        assert isinstance(last, dict)
        assert (last["trigger"], last["reason"]) == ("breaker_open", "too many failures")

    def holding(world: World) -> dict[object, object]:
        told = rows(world.failover.to_wire())
        return {item["trigger"]: item["holds_in_s"] for item in told if item["holds_in_s"]}

    def rows(told: dict[str, object]) -> list[dict[str, object]]:
        found = told["triggers"]
        assert isinstance(found, list)
        return found

    watched(run)
