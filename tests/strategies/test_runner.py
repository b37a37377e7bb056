"""A strategy that breaks stops, says why, and harms nothing else."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cryptobot.domain.errors import UserError
from cryptobot.domain.market import Book, Candle
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Fill, Order, OrderState, Side
from cryptobot.strategies.runner import RunState, StrategyRunner
from cryptobot.strategies.strategy import Action, CancelIntent, Strategy

from .market import INSTRUMENT, SYMBOL, ScriptedOrders, a_book, a_fill, an_order, candles


class Buyer(Strategy):
    """Buys at every book."""

    name = "buyer"

    def on_book(self, book: Book) -> Iterable[Action]:  # noqa: ARG002 - any book
        yield self.market(Side.BUY, INSTRUMENT.min_amount)


class Recorder(Strategy):
    name = "recorder"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.told: list[tuple[str, object]] = []
        self.heard = asyncio.Event()

    def _note(self, what: str, value: object) -> Iterable[Action]:
        self.told.append((what, value))
        self.heard.set()
        return ()

    def on_candle(self, candle: Candle) -> Iterable[Action]:
        return self._note("candle", candle.open_ms)

    def on_book(self, book: Book) -> Iterable[Action]:
        return self._note("book", book.bids[0].price)

    def on_order(self, order: Order) -> Iterable[Action]:
        return self._note("order", order.order_id)

    def on_unresolved(self, order: Order) -> Iterable[Action]:
        return self._note("unresolved", order.order_id)

    def on_fill(self, fill: Fill, order: Order) -> Iterable[Action]:
        return self._note("fill", (fill.trade_id, order.order_id))

    def on_mode(self, mode: Mode) -> Iterable[Action]:
        return self._note("mode", str(mode))

    async def until(self, count: int) -> list[tuple[str, object]]:
        async with asyncio.timeout(10):
            while len(self.told) < count:
                self.heard.clear()
                await self.heard.wait()
        return self.told


class Broken(Strategy):
    """Breaks in the way its parameter says."""

    name = "broken"
    defaults = {"symbol": SYMBOL, "how": "raise"}  # noqa: RUF012 - as users write it

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if self.params["how"] == "constructor":
            raise ZeroDivisionError("at the start")

    def on_start(self) -> Iterable[Action]:
        if self.params["how"] == "on_start":
            raise RuntimeError("at the start")
        return ()

    def on_book(self, book: Book) -> Any:  # noqa: ARG002 - any book
        match self.params["how"]:
            case "raise":
                raise RuntimeError("broke")
            case "exit":
                sys.exit(3)
            case "nothing":
                return None
            case "junk":
                return ["buy"]
            case "later":
                return self._later()
        return ()

    def _later(self) -> Iterable[Action]:
        yield self.market(Side.BUY, INSTRUMENT.min_amount)
        raise RuntimeError("after one order")


class Running:
    def __init__(self) -> None:
        self.orders = ScriptedOrders()
        self.changes = 0
        self.changed = asyncio.Event()
        self.runner = StrategyRunner(
            {kind.name: kind for kind in (Buyer, Recorder, Broken)},
            self.orders,
            instruments=lambda symbol: INSTRUMENT if symbol == SYMBOL else None,
            history=lambda _: candles([100, 101]),
            open_orders=lambda: list(self.orders.open),
            on_change=self._on_change,
        )

    def _on_change(self) -> None:
        self.changes += 1
        self.changed.set()

    def state(self, name: str) -> dict[str, object]:
        [found] = [item for item in self.runner.to_wire() if item["name"] == name]
        return found

    async def until(self, name: str, state: RunState) -> dict[str, object]:
        async with asyncio.timeout(10):
            while self.state(name)["state"] != state:
                self.changed.clear()
                await self.changed.wait()
        return self.state(name)

    def recorder(self) -> Recorder:
        self.runner.start("recorder", {})
        run = self.runner._records["recorder"].run
        assert run is not None
        assert isinstance(run.strategy, Recorder)
        return run.strategy


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    running = Running()
    yield running
    await running.runner.close()


@pytest.mark.parametrize("how", ["raise", "exit", "nothing", "junk", "later", "on_start"])
async def test_strategy_that_breaks_fails_alone_and_its_orders_are_cancelled(
    running: Running, how: str
) -> None:
    running.orders.open = [
        an_order("mine", origin="strategy:broken"),
        an_order("theirs", origin="strategy:buyer"),
    ]
    running.runner.start("buyer", {})
    running.runner.start("broken", {"how": how})
    running.runner.on_market(a_book("99", "101"))
    failed = await running.until("broken", RunState.FAILED)
    assert failed["error"]
    await running.orders.until(cancelled=1, placed=1)
    assert running.orders.cancelled == ["mine"]
    assert running.state("buyer")["state"] == RunState.RUNNING
    placed = len(running.orders.placed)
    running.runner.on_market(a_book("99", "101"))
    await running.orders.until(placed=placed + 1)
    assert running.runner.counts()[RunState.FAILED] == 1


async def test_strategy_that_broke_can_be_started_again(running: Running) -> None:
    running.runner.start("broken", {})
    running.runner.on_market(a_book("99", "101"))
    await running.until("broken", RunState.FAILED)
    running.runner.start("broken", {"how": "not at all"})
    assert (running.state("broken")["state"], running.state("broken")["error"]) == (
        RunState.RUNNING,
        None,
    )


async def test_start_with_a_constructor_that_breaks_is_the_users_error(running: Running) -> None:
    with pytest.raises(UserError, match="strategy broken: ZeroDivisionError: at the start"):
        running.runner.start("broken", {"how": "constructor"})
    assert running.state("broken")["state"] == RunState.STOPPED


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("nobody", {}, "no strategy 'nobody'; known: buyer, recorder, broken"),
        ("buyer", {"symbol": "DOGE/USDT"}, "'DOGE/USDT' is not among the watched symbols"),
        ("buyer", {"speed": 1}, "unknown parameter speed; known: symbol"),
    ],
)
async def test_start_with_something_wrong_says_what(
    running: Running, name: str, params: dict[str, str | int | float | bool], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        running.runner.start(name, params)


async def test_start_twice_is_refused(running: Running) -> None:
    running.runner.start("buyer", {})
    with pytest.raises(UserError, match="stop it first"):
        running.runner.start("buyer", {})


async def test_orders_that_fail_do_not_stop_the_strategy(running: Running) -> None:
    running.orders.unreachable()
    running.runner.start("buyer", {})
    for number in range(3):
        running.runner.on_market(a_book("99", "101"))
        await running.orders.until(placed=number + 1)
    assert running.state("buyer")["state"] == RunState.RUNNING
    assert running.state("buyer")["orders"] == 3


async def test_stop_cancels_the_strategys_open_orders_and_no_others(running: Running) -> None:
    running.orders.open = [an_order("a", origin="strategy:buyer"), an_order("b", origin="manual")]
    running.runner.start("buyer", {})
    await running.runner.stop("buyer")
    assert running.orders.cancelled == ["a"]
    assert running.state("buyer")["state"] == RunState.STOPPED
    with pytest.raises(UserError, match="is not running"):
        await running.runner.stop("buyer")


async def test_close_leaves_orders_on_the_venue(running: Running) -> None:
    running.orders.open = [an_order("a", origin="strategy:buyer")]
    running.runner.start("buyer", {})
    await running.runner.close()
    assert running.orders.cancelled == []


async def test_strategy_is_told_everything_of_its_symbol_and_only_the_latest_book(
    running: Running,
) -> None:
    strategy = running.recorder()
    order = an_order("1", origin="strategy:recorder")
    running.runner.on_market(a_book("98", "101"))
    running.runner.on_market(a_book("99", "101"))
    running.runner.on_market(a_book("7", "8", symbol="ETH/USDT"))
    for candle in reversed(candles([100, 101])):
        running.runner.on_market(candle)
    running.runner.on_order(order, (a_fill(order),))
    running.runner.on_order(an_order("2", origin="strategy:buyer"), ())
    running.runner.on_order(an_order("3", origin="manual"), ())
    running.runner.on_mode(Mode.PAPER)
    told = await strategy.until(6)
    assert told == [
        ("mode", "paper"),
        ("order", "1"),
        ("fill", ("t1", "1")),
        ("candle", 0),
        ("candle", 60_000),
        ("book", 99),
    ]
    assert running.state("recorder")["fills"] == 1


async def test_start_tells_the_orders_that_rest_from_before(running: Running) -> None:
    running.orders.open = [an_order("old", origin="strategy:recorder")]
    strategy = running.recorder()
    running.runner.on_market(a_book("99", "101"))
    assert (await strategy.until(2))[0] == ("order", "old")


async def test_cancel_intent_cancels(running: Running) -> None:
    strategy = running.recorder()
    strategy.on_book = lambda _: [CancelIntent("x")]  # type: ignore[method-assign,assignment]
    running.runner.on_market(a_book("99", "101"))
    await running.orders.until(cancelled=1)
    assert running.orders.cancelled == ["x"]


async def test_order_of_a_strategy_that_is_stopped_is_still_counted(running: Running) -> None:
    order = an_order("1", origin="strategy:buyer", state=OrderState.FILLED)
    running.runner.on_order(order, (a_fill(order),))
    assert running.state("buyer")["fills"] == 1


async def test_strategy_is_told_once_when_an_outcome_becomes_unknown(running: Running) -> None:
    strategy = running.recorder()
    unknown = an_order("1", origin="strategy:recorder", state=OrderState.UNRESOLVED)
    for order in (unknown, unknown, replace(unknown, state=OrderState.ACCEPTED)):
        running.runner.on_order(order, ())
    running.runner.on_order(replace(unknown, order_id="2", origin="strategy:buyer"), ())
    told = await strategy.until(4)
    assert told == [("order", "1"), ("unresolved", "1"), ("order", "1"), ("order", "1")]
