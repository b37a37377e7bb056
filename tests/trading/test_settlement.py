"""Unknown outcomes are settled by evidence, and never by sending again."""

import asyncio
from collections.abc import AsyncIterator
from itertools import repeat

import pytest

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.errors import OutcomeUnknown, ReadFailed
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Order, OrderReport, OrderState
from cryptobot.trading import settlement
from cryptobot.trading.settlement import Settlement

from .order_path import OrderPath
from .scripted_venue import a_report, a_trade

S = OrderState
PATIENCE_S = 10


class Searching:
    """An order with an unknown outcome, and who looks for it."""

    def __init__(self, path: OrderPath, order: Order, settled: list[Order]) -> None:
        self.path, self.order, self.settled = path, order, settled
        self.rooms = Settlement(
            {Mode.LIVE: path.live, Mode.PAPER: path.paper},
            path.tracker,
            path.clock,
            patience_s=PATIENCE_S,
            on_settled=settled.append,
        )

    @property
    def client_id(self) -> str:
        return self.order.client_order_id

    def venue_says(self, *answers: OrderReport | Exception | None) -> None:
        """Answer look-ups so, the last answer for ever."""
        script = iter([*answers[:-1], *repeat(answers[-1], 1000)])
        asked = self.path.live.find_order

        async def find(symbol: str, client_order_id: str) -> OrderReport | None:
            await asked(symbol, client_order_id)
            answer = next(script)
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.path.live.find_order = find  # type: ignore[method-assign]

    async def after_lookups(self, count: int) -> Order:
        async with asyncio.timeout(10):
            while len(self.path.live.lookups) < count:
                await self.path.live.looked_up.wait()
                self.path.live.looked_up.clear()
        current = self.path.tracker.get(self.order.order_id)
        assert current is not None
        return current


@pytest.fixture
async def search(path: OrderPath, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Searching]:
    monkeypatch.setattr(settlement, "WAITS_S", (0.0,))
    path.live.answer = lambda _: OutcomeUnknown("no answer", "timeout")
    searching = Searching(path, await path.place(), [])
    yield searching
    await searching.rooms.close()
    assert len(path.live.on_the_wire) == 1  # whatever happened: never sent again


async def test_settle_with_the_order_found_takes_over_what_the_venue_says(
    search: Searching,
) -> None:
    fill = a_trade("t1", search.client_id)
    search.venue_says(
        None, a_report(search.client_id, S.FILLED, filled="1", cost="100", fills=(fill,))
    )
    search.rooms.start(search.order)
    order = await search.path.until(search.order.order_id, S.FILLED)
    assert (order.failed, order.fees) == (True, {"USDT": fill.fee})
    assert search.settled == [order]
    assert await search.path.stored(order.order_id) == order


async def test_settle_with_the_order_among_the_open_ones_finds_it_there(
    search: Searching,
) -> None:
    search.path.live.listed = [a_report("cbother"), a_report(search.client_id)]
    search.rooms.start(search.order)
    assert (await search.path.until(search.order.order_id, S.ACCEPTED)).reason is None


async def test_settle_with_not_found_before_its_patience_ends_stays_unknown(
    search: Searching,
) -> None:
    search.path.clock.advance(PATIENCE_S * NS_PER_S)  # it may have left only now
    search.rooms.start(search.order)
    search.path.clock.advance(PATIENCE_S * NS_PER_S - 1)
    assert (await search.after_lookups(20)).state is S.UNRESOLVED


async def test_settle_with_the_wall_clock_set_forward_is_as_patient_as_before(
    search: Searching,
) -> None:
    search.rooms.start(search.order)
    search.path.clock._now_ns += 3600 * NS_PER_S
    assert (await search.after_lookups(20)).state is S.UNRESOLVED


async def test_settle_with_not_found_thrice_after_its_patience_is_not_placed(
    search: Searching,
) -> None:
    search.rooms.start(search.order)
    search.path.clock.advance(PATIENCE_S * NS_PER_S)
    order = await search.path.until(search.order.order_id, S.REJECTED)
    assert len(search.path.live.lookups) == 3
    assert "does not know it (3 look-ups)" in (order.reason or "")
    assert order.failed
    await search.path.orders.drain()
    assert [first for _, first in search.path.counted].count(True) == 1


async def test_settle_with_reads_that_fail_learns_nothing_from_them(search: Searching) -> None:
    search.venue_says(ReadFailed("busy"))
    search.rooms.start(search.order)
    search.path.clock.advance(PATIENCE_S * NS_PER_S)
    assert (await search.after_lookups(20)).state is S.UNRESOLVED


async def test_settle_with_an_open_orders_read_that_fails_learns_nothing(
    search: Searching,
) -> None:
    search.path.live.list_error = ReadFailed("busy")
    search.rooms.start(search.order)
    search.path.clock.advance(PATIENCE_S * NS_PER_S)
    assert (await search.after_lookups(20)).state is S.UNRESOLVED


async def test_settle_with_a_venue_that_breaks_goes_on_looking(search: Searching) -> None:
    search.venue_says(RuntimeError("the client broke"), a_report(search.client_id))
    search.rooms.start(search.order)
    assert (await search.path.until(search.order.order_id, S.ACCEPTED)).state is S.ACCEPTED


async def test_settle_with_a_stream_that_was_faster_stops_asking(search: Searching) -> None:
    search.path.tracker.apply(Mode.LIVE, a_report(search.client_id, S.CANCELED), "stream")
    search.rooms.start(search.order)
    await asyncio.gather(*search.rooms._tasks.values())
    assert search.path.live.lookups == []


async def test_settle_with_a_stream_that_is_faster_than_the_last_lookup_leaves_it_the_order(
    search: Searching,
) -> None:
    asked = search.path.live.find_order

    async def find(symbol: str, client_order_id: str) -> OrderReport | None:
        if len(search.path.live.lookups) == 2:
            search.path.tracker.apply(Mode.LIVE, a_report(search.client_id), "stream")
        return await asked(symbol, client_order_id)

    search.path.live.find_order = find  # type: ignore[method-assign]
    search.rooms.start(search.order)
    search.path.clock.advance(PATIENCE_S * NS_PER_S)
    await asyncio.gather(*search.rooms._tasks.values())
    assert len(search.path.live.lookups) == 3
    order = search.path.tracker.get(search.order.order_id)
    assert order is not None
    assert order.state is S.ACCEPTED


async def test_settle_with_an_accepted_order_not_found_leaves_it_to_reconciliation(
    search: Searching,
) -> None:
    accepted = search.path.tracker.apply(Mode.LIVE, a_report(search.client_id), "stream")
    assert accepted is not None
    search.rooms.start(accepted)
    search.path.clock.advance(PATIENCE_S * NS_PER_S)
    await asyncio.gather(*search.rooms._tasks.values())
    assert search.path.tracker.get(accepted.order_id) == accepted


async def test_start_twice_looks_once(search: Searching) -> None:
    search.rooms.start(search.order)
    search.rooms.start(search.order)
    assert len(search.rooms._tasks) == 1
    search.venue_says(a_report(search.client_id))
    await search.path.until(search.order.order_id, S.ACCEPTED)
    assert len(search.settled) == 1


async def test_close_while_looking_leaves_the_order_unresolved(search: Searching) -> None:
    search.rooms.start(search.order)
    await search.after_lookups(2)
    await search.rooms.close()
    order = search.path.tracker.get(search.order.order_id)
    assert order is not None
    assert order.state is S.UNRESOLVED
