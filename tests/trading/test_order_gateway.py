"""What every end of a venue call makes of an order, on a journal that is a real file."""

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.errors import (
    FenceClosed,
    JournalUnavailable,
    NotSent,
    OrderRefused,
    OutcomeUnknown,
    ReadFailed,
)
from cryptobot.domain.mode import Mode, TradingState
from cryptobot.domain.order import OrderState, OrderType, Side
from cryptobot.trading.exchange import OrderRequest
from cryptobot.trading.order_gateway import UnknownOrder
from telemetry.testing import capture_logs

from .order_path import OrderPath, an_intent
from .scripted_venue import SYMBOL, Outcome, a_report, a_trade

S = OrderState


@dataclass(frozen=True)
class Row:
    """One row of the outcome policy."""

    outcome: Outcome
    state: S
    failed: bool
    reason: str | None
    looked_up: bool = False
    denied_as: str | None = None


def _report(state: S, **more: object) -> Outcome:
    return replace(a_report(None, state), **more)  # type: ignore[arg-type]


NO, YES = False, True

POLICY = {
    "accepted": Row(_report(S.ACCEPTED), S.ACCEPTED, NO, None),
    "partial": Row(
        _report(S.PARTIALLY_FILLED, filled=D("0.5"), cost=D(50)), S.PARTIALLY_FILLED, NO, None
    ),
    "filled": Row(_report(S.FILLED, filled=D(1), cost=D(100)), S.FILLED, NO, None),
    "expired": Row(_report(S.EXPIRED), S.EXPIRED, NO, None),
    "rejected": Row(_report(S.REJECTED), S.REJECTED, YES, None),
    "refused": Row(
        OrderRefused("no money", "insufficient_funds"),
        S.REJECTED,
        YES,
        "insufficient_funds: no money",
    ),
    "not sent": Row(
        NotSent("no route", "connection_failed"), S.REJECTED, YES, "connection_failed: no route"
    ),
    "fence": Row(
        FenceClosed("the mode is paper"),
        S.DENIED,
        NO,
        "fence: the mode is paper",
        denied_as="fence",
    ),
    "unknown": Row(
        OutcomeUnknown("no answer", "timeout"), S.UNRESOLVED, YES, "timeout: no answer", YES
    ),
    "not in the contract": Row(
        RuntimeError("the client broke"),
        S.UNRESOLVED,
        YES,
        "unclassified: the client broke",
        YES,
    ),
}


@pytest.mark.parametrize("row", POLICY.values(), ids=POLICY)
async def test_place_with_each_outcome_follows_the_policy(path: OrderPath, row: Row) -> None:
    def answer(request: OrderRequest) -> Outcome:
        if isinstance(row.outcome, BaseException):
            return row.outcome
        return replace(row.outcome, client_order_id=request.client_order_id)

    path.live.answer = answer
    order = await path.place()
    assert (order.state, order.failed, order.reason) == (row.state, row.failed, row.reason)
    assert [item.order_id for item in path.unresolved] == [order.order_id] * row.looked_up
    assert path.denials == ([row.denied_as] if row.denied_as else [])
    assert (order.latency_ms is None) == (row.state is S.DENIED)
    assert await path.stored(order.order_id) == order
    assert [counted.state for counted, first in path.counted if first] == [row.state]
    assert path.gateway.sending == 0


async def test_place_with_an_answer_that_says_taken_and_no_more_is_looked_up(
    path: OrderPath,
) -> None:
    path.live.answer = lambda request: replace(
        a_report(request.client_order_id), acknowledged_only=True
    )
    order = await path.place()
    assert (order.state, order.failed) == (OrderState.ACCEPTED, False)
    assert [looked_up.order_id for looked_up in path.unresolved] == [order.order_id]


async def test_place_with_a_cancelled_caller_goes_its_way(path: OrderPath) -> None:
    path.live.reply = asyncio.Event()
    caller = asyncio.create_task(path.place())
    await path.live.left.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    [in_flight] = path.gateway.in_flight(Mode.LIVE)
    path.live.reply.set()
    assert (await in_flight.task).state is S.ACCEPTED


async def test_close_with_an_order_on_its_way_leaves_it_unresolved_and_takes_no_more(
    path: OrderPath,
) -> None:
    path.live.reply = asyncio.Event()
    caller = asyncio.create_task(path.place())
    await path.live.left.wait()
    await path.gateway.close(0)
    with pytest.raises(asyncio.CancelledError):
        await caller
    [order] = path.tracker.open_orders(Mode.LIVE)
    assert (order.state, order.failed) == (S.UNRESOLVED, True)
    assert (order.reason or "").startswith("cancelled")
    assert path.unresolved == [order]
    assert await path.stored(order.order_id) == order
    late = await path.place()
    assert (late.state, late.reason) == (
        S.DENIED,
        "shutting_down: the engine is shutting down",
    )


async def test_place_with_a_stream_faster_than_the_refusal_keeps_what_the_stream_saw(
    path: OrderPath,
) -> None:
    path.live.reply = asyncio.Event()
    path.live.answer = lambda _: OrderRefused("odd", "invalid_order")
    caller = asyncio.create_task(path.place())
    await path.live.left.wait()
    [request] = path.live.on_the_wire
    path.tracker.apply(Mode.LIVE, a_report(request.client_order_id), "stream")
    path.live.reply.set()
    assert (await caller).state is S.ACCEPTED


async def test_place_with_a_stream_faster_than_the_time_out_is_still_looked_up(
    path: OrderPath,
) -> None:
    path.live.reply = asyncio.Event()
    path.live.answer = lambda _: OutcomeUnknown("no answer", "timeout")
    caller = asyncio.create_task(path.place())
    await path.live.left.wait()
    [request] = path.live.on_the_wire
    path.tracker.apply(Mode.LIVE, a_report(request.client_order_id), "stream")
    path.live.reply.set()
    order = await caller
    assert (order.state, order.failed) == (S.ACCEPTED, False)
    assert path.unresolved == [order]


async def test_place_with_trades_in_the_answer_stores_them_with_it(path: OrderPath) -> None:
    path.live.answer = lambda request: a_report(
        request.client_order_id,
        S.FILLED,
        filled="1",
        cost="100",
        fills=(a_trade("t1", request.client_order_id),),
    )
    order = await path.place(price=None)
    await path.orders.drain()
    assert [item.fill.trade_id for item in await path.journal.fills()] == ["t1"]
    assert [fill.trade_id for _, fills in path.seen for fill in fills] == ["t1"]
    assert order.fees == {"USDT": D("0.1")}


async def test_place_with_each_order_derives_its_own_client_id(path: OrderPath) -> None:
    orders = [await path.place() for _ in range(3)]
    sent = [request.client_order_id for request in path.live.on_the_wire]
    assert sent == [order.client_order_id for order in orders]
    assert len(set(sent)) == 3
    assert all(order.client_order_id == f"cb{order.order_id[:30]}" for order in orders)


async def test_place_in_paper_mode_goes_to_the_paper_venue_and_needs_no_fence(
    path: OrderPath,
) -> None:
    await path.modes.to_paper(reason="r", actor="a", trigger=path.modes.status.trigger)
    order = await path.place()
    assert (order.mode, order.state) == (Mode.PAPER, S.ACCEPTED)
    assert len(path.paper.on_the_wire) == 1
    assert path.live.on_the_wire == []


DENIALS: dict[str, tuple[Callable[[OrderPath], None], dict[str, object], str]] = {
    "symbol": (lambda _: None, {"symbol": "DOGE/USDT"}, "unknown_symbol"),
    "meant for paper": (lambda _: None, {"expected_mode": Mode.PAPER}, "mode"),
    "step": (lambda _: None, {"amount": D("1.0001")}, "instrument"),
    "many digits": (lambda _: None, {"amount": D("1E+40")}, "instrument"),
    "priced market": (lambda _: None, {"type": OrderType.MARKET}, "instrument"),
    "unpriced limit": (lambda _: None, {"price": None}, "instrument"),
    "notional": (lambda _: None, {"amount": D("10.001")}, "max_order_notional"),
    "halted": (lambda path: path.halted(), {}, "halted"),
    "reducing": (lambda path: path.halted(TradingState.REDUCING), {}, "reducing"),
    "no price": (
        lambda path: path.account.prices.clear(),
        {"type": OrderType.MARKET, "price": None},
        "no_price",
    ),
}


@pytest.mark.parametrize("name", DENIALS)
async def test_place_with_each_denial_sends_nothing_and_says_why(
    path: OrderPath, name: str
) -> None:
    arrange, changes, code = DENIALS[name]
    arrange(path)
    order = await path.gateway.place(replace(an_intent(), **changes))  # type: ignore[arg-type]
    assert (order.state, order.failed, order.latency_ms) == (S.DENIED, False, None)
    assert (order.reason or "").startswith(f"{code}: ")
    assert path.denials == [code]
    assert not path.live.arrived.is_set()
    assert await path.stored(order.order_id) is not None
    assert [first for _, first in path.counted] == [True]


async def test_place_denied_with_a_cancelled_caller_is_journalled_and_counted(
    path: OrderPath,
) -> None:
    path.halted()
    caller = asyncio.create_task(path.place())
    await asyncio.sleep(0)  # one turn: the denial is being journalled
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await path.orders.drain()
    assert [(order.state, first) for order, first in path.counted] == [(S.DENIED, True)]
    assert path.denials == ["halted"]


async def test_reducing_with_orders_that_shrink_the_position_takes_only_what_it_holds(
    path: OrderPath,
) -> None:
    path.halted(TradingState.REDUCING)
    path.account.held[Mode.LIVE, SYMBOL] = D(2)
    taken = [await path.place("1", side=Side.SELL) for _ in range(3)]
    assert [order.state for order in taken] == [S.ACCEPTED, S.ACCEPTED, S.DENIED]


class TestJournalBeforeWire:
    async def test_permit_with_its_return_has_the_intent_on_disk(self, path: OrderPath) -> None:
        found: list[str | None] = []
        path.live.at_permit = lambda request: found.append(
            path.on_disk(_order_id(path, request.client_order_id))
        )
        await path.place()
        assert found == ["submitted"]

    async def test_place_with_a_journal_known_to_fail_raises_and_sends_nothing(
        self, path: OrderPath
    ) -> None:
        with path.journal_locked():
            with pytest.raises(JournalUnavailable, match="locked"):
                await path.place()
            with pytest.raises(JournalUnavailable, match="locked"):
                await path.place()
        assert path.live.on_the_wire == []
        assert path.tracker.open_orders() == []
        assert [order.state for order, _ in path.seen][-1] is S.DENIED
        await path.journal.wait_available()
        assert (await path.place()).state is S.ACCEPTED
        await path.orders.drain()
        assert len(await path.journal.orders()) == 1
        assert [first for _, first in path.counted].count(True) == 1

    async def test_permit_with_a_commit_that_fails_lets_nothing_out_and_forgets_the_order(
        self, path: OrderPath
    ) -> None:
        path.live.at_permit = lambda _: pytest.fail("leave was given")
        with path.journal_locked():
            caller = asyncio.create_task(path.place())
            await path.live.arrived.wait()
            with pytest.raises(JournalUnavailable):
                await caller
        assert path.gateway.sending == 0
        assert path.unresolved == []

    async def test_commit_that_fails_with_a_cancelled_caller_is_told_and_not_left_unheard(
        self, path: OrderPath
    ) -> None:
        unhandled: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, error: unhandled.append(error))
        with path.journal_locked(), capture_logs() as logs:
            caller = asyncio.create_task(path.place())
            await path.live.arrived.wait()
            [in_flight] = path.gateway.in_flight(Mode.LIVE)
            caller.cancel()
            await asyncio.wait([caller, in_flight.task])
            [line] = logs.of("order_not_sent")
        order_id = in_flight.order.order_id
        del caller, in_flight
        gc.collect()
        assert unhandled == []
        assert line["orderId"] == order_id
        assert "locked" in line["reason"]
        assert [order.state for order, _ in path.seen][-1] is S.DENIED
        assert path.live.on_the_wire == []


class TestCancel:
    async def test_cancel_with_an_open_order_returns_it_cancelled(self, path: OrderPath) -> None:
        order = await path.place()
        path.clock.advance(5 * NS_PER_MS)
        after = await path.gateway.cancel(order.order_id)
        assert after.state is S.CANCELED
        assert path.live.cancels == [order.client_order_id]
        assert await path.stored(order.order_id) == after

    async def test_cancel_with_a_closed_order_asks_nobody(self, path: OrderPath) -> None:
        order = await path.place()
        await path.gateway.cancel(order.order_id)
        assert (await path.gateway.cancel(order.order_id)).state is S.CANCELED
        assert len(path.live.cancels) == 1

    async def test_cancel_with_an_unknown_id_says_so(self, path: OrderPath) -> None:
        with pytest.raises(UnknownOrder, match="no order f00"):
            await path.gateway.cancel("f00")

    async def test_cancel_refused_with_the_order_filled_meanwhile_tells_the_fill(
        self, path: OrderPath
    ) -> None:
        order = await path.place()
        path.live.cancel_answer = lambda _: OrderRefused("gone", "order_not_found")
        path.live.known[order.client_order_id] = a_report(
            order.client_order_id, S.FILLED, filled="1", cost="100"
        )
        assert (await path.gateway.cancel(order.order_id)).state is S.FILLED

    async def test_cancel_refused_with_an_unknown_order_changes_nothing(
        self, path: OrderPath
    ) -> None:
        order = await path.place()
        path.live.cancel_answer = lambda _: OrderRefused("gone", "order_not_found")
        assert (await path.gateway.cancel(order.order_id)).state is S.ACCEPTED

    async def test_cancel_refused_with_a_lookup_that_fails_is_unknown_and_looked_up(
        self, path: OrderPath
    ) -> None:
        order = await path.place()
        path.live.cancel_answer = lambda _: OrderRefused("gone", "order_not_found")
        path.live.known[order.client_order_id] = ReadFailed("busy")
        with pytest.raises(OutcomeUnknown, match="busy"):
            await path.gateway.cancel(order.order_id)
        assert path.unresolved == [order]

    async def test_cancel_with_an_unknown_outcome_keeps_the_order_and_looks_it_up(
        self, path: OrderPath
    ) -> None:
        order = await path.place()
        path.live.cancel_answer = lambda _: OutcomeUnknown("no answer", "timeout")
        with pytest.raises(OutcomeUnknown):
            await path.gateway.cancel(order.order_id)
        assert path.tracker.get(order.order_id) == order
        assert path.unresolved == [order]

    async def test_cancel_not_sent_leaves_the_order_as_it_was(self, path: OrderPath) -> None:
        order = await path.place()
        path.live.cancel_answer = lambda _: NotSent("no route", "connection_failed")
        with pytest.raises(NotSent):
            await path.gateway.cancel(order.order_id)
        assert path.tracker.get(order.order_id) == order
        assert path.unresolved == []

    @pytest.mark.parametrize("code", ["authentication", "permission_denied"])
    async def test_cancel_refused_with_our_key_leaves_the_order_and_says_why(
        self, path: OrderPath, code: str
    ) -> None:
        order = await path.place()
        path.live.cancel_answer = lambda _: OrderRefused("-2015: no key", code)
        with pytest.raises(NotSent, match="-2015: no key"):
            await path.gateway.cancel(order.order_id)
        assert path.tracker.get(order.order_id) == order
        assert path.unresolved == []

    async def test_cancel_of_a_live_order_in_paper_mode_passes_the_fence(
        self, path: OrderPath
    ) -> None:
        order = await path.place()
        await path.modes.to_paper(reason="r", actor="a", trigger=path.modes.status.trigger)
        assert (await path.gateway.cancel(order.order_id)).state is S.CANCELED
        assert path.live.cancels == [order.client_order_id]


def _order_id(path: OrderPath, client_order_id: str) -> str:
    [found] = [
        order.order_id
        for order in path.tracker.open_orders()
        if order.client_order_id == client_order_id
    ]
    return found
