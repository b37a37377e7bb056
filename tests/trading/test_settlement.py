"""Unknown outcomes are settled by evidence, and never by sending again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from itertools import repeat
from typing import Any

import ccxt
import pytest

from cryptobot.domain.clock import NS_PER_S, Clock, SystemClock
from cryptobot.domain.errors import OutcomeUnknown, ReadFailed
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Order, OrderReport, OrderState, Side
from cryptobot.settings.model import ReconciliationSettings
from cryptobot.simulator.faults.presets import PRESETS
from cryptobot.trading import settlement
from cryptobot.trading.order_gateway import UnknownOrder
from cryptobot.trading.settlement import Settlement, SettlementRefused

from .order_path import OrderPath
from .scripted_venue import a_report, a_trade, accept

S = OrderState
PATIENCE_S = 10


class Searching:
    """An order with an unknown outcome, and who looks for it."""

    def __init__(self, path: OrderPath, order: Order, settled: list[Order]) -> None:
        self.path, self.order, self.settled = path, order, settled
        self.rooms = self.settling(PATIENCE_S)

    def settling(self, patience_s: float, clock: Clock | None = None) -> Settlement:
        return Settlement(
            {Mode.LIVE: self.path.live, Mode.PAPER: self.path.paper},
            self.path.tracker,
            clock or self.path.clock,
            patience_s=patience_s,
            on_settled=self.settled.append,
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

    def advance_after(self, lookups: int, seconds: int) -> None:
        """Let time pass when so many look-ups have been asked for."""
        asked = self.path.live.find_order

        async def find(symbol: str, client_order_id: str) -> OrderReport | None:
            if len(self.path.live.lookups) == lookups:
                self.path.clock.advance(seconds * NS_PER_S)
            return await asked(symbol, client_order_id)

        self.path.live.find_order = find  # type: ignore[method-assign]

    async def evidence(self) -> Any:
        """Return what is stored with the order's last event."""
        await self.path.orders.drain()
        return (await self.path.journal.order_events(self.order.order_id))[-1].evidence

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


async def test_settle_with_denials_closer_together_than_its_patience_stays_unknown(
    search: Searching,
) -> None:
    search.path.clock.advance(3600 * NS_PER_S)  # the order's age is no patience
    search.rooms.start(search.order)
    await search.after_lookups(5)
    search.path.clock.advance(PATIENCE_S * NS_PER_S - 1)
    assert (await search.after_lookups(25)).state is S.UNRESOLVED


async def test_settle_with_denials_as_far_apart_as_its_patience_is_not_placed(
    search: Searching,
) -> None:
    search.advance_after(1, PATIENCE_S)
    search.rooms.start(search.order)
    order = await search.path.until(search.order.order_id, S.REJECTED)
    assert len(search.path.live.lookups) == 3
    assert order.reason == "not_placed: the exchange does not know it (3 look-ups)"
    assert order.failed
    await search.path.orders.drain()
    assert [first for _, first in search.path.counted].count(True) == 1
    assert await search.evidence() == {
        "source": "lookup",
        "outcome": "not_placed",
        "denials": 3,
        "denied_for_s": 10.0,
        "patience_s": 10.0,
        "newer_by": "patience",
        "looked_up": [
            {"source": source, "answer": "absent"}
            for source in ("client_order_id", "open_orders", "closed_orders", "my_trades")
        ],
    }


async def test_settle_with_patience_over_asks_then_and_not_after_the_usual_pause(
    search: Searching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "WAITS_S", (0.0, 0.0, 3600.0))
    search.rooms = search.settling(patience_s=0.05, clock=SystemClock())
    search.rooms.start(search.order)
    await search.path.until(search.order.order_id, S.REJECTED)


async def test_settle_with_patience_over_while_it_waits_for_an_answer_asks_again_at_once(
    search: Searching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "WAITS_S", (0.0, 0.0, 3600.0))
    search.advance_after(2, PATIENCE_S)
    search.rooms.start(search.order)
    await search.path.until(search.order.order_id, S.REJECTED)
    assert len(search.path.live.lookups) == 4


def test_default_patience_outlasts_an_order_that_arrives_late_and_reads_that_lag() -> None:
    late_s = ccxt.binance().options["recvWindow"] / 1000
    lags = [
        float(str(fault["lag_ms"])) / 1000
        for preset in PRESETS.values()
        for fault in preset.faults
        if fault["kind"] == "stale"
    ]
    assert ReconciliationSettings().not_found_patience_s >= late_s + max(lags)


async def test_settle_with_too_few_denials_stays_unknown_however_far_apart(
    search: Searching,
) -> None:
    search.advance_after(1, PATIENCE_S)
    search.venue_says(None, None, ReadFailed("busy"))
    search.rooms.start(search.order)
    assert (await search.after_lookups(20)).state is S.UNRESOLVED


async def test_settle_with_the_wall_clock_set_forward_is_as_patient_as_before(
    search: Searching,
) -> None:
    search.rooms.start(search.order)
    search.path.clock._now_ns += 3600 * NS_PER_S
    assert (await search.after_lookups(20)).state is S.UNRESOLVED


@pytest.mark.parametrize("broken", ["list_error", "closed_error", "trades_error"])
async def test_settle_with_one_source_that_cannot_be_read_learns_nothing_from_the_others(
    search: Searching, broken: str
) -> None:
    search.advance_after(2, PATIENCE_S)
    setattr(search.path.live, broken, ReadFailed("busy"))
    search.rooms.start(search.order)
    assert (await search.after_lookups(20)).state is S.UNRESOLVED


async def test_settle_with_a_later_order_missing_from_the_lists_trusts_none_of_their_silence(
    search: Searching,
) -> None:
    search.path.clock.advance(1)
    search.path.live.answer = accept
    later = await search.path.place(side=Side.SELL)
    search.advance_after(2, PATIENCE_S)
    search.rooms.start(search.order)
    assert (await search.after_lookups(20)).state is S.UNRESOLVED
    search.path.live.listed = [a_report(later.client_order_id)]
    search.advance_after(len(search.path.live.lookups) + 3, PATIENCE_S)
    await search.path.until(search.order.order_id, S.REJECTED)
    assert (await search.evidence())["newer_by"] == later.exchange_order_id
    search.path.live.on_the_wire.pop()  # the later order is no second one for the intent


async def test_adopt_with_the_order_of_that_id_takes_its_state_and_keeps_who_and_why(
    search: Searching,
) -> None:
    fill = replace(a_trade("t1", "web_9"), exchange_order_id="77")
    search.path.live.by_exchange_id["77"] = replace(
        a_report("web_9", S.FILLED, filled="1", cost="100", fills=(fill,), exchange_order_id="77"),
        side=Side.BUY,
        amount=D(1),
    )
    order = await search.rooms.adopt(
        search.order.order_id, "77", reason="seen in the web app", actor="ann"
    )
    assert (order.state, order.exchange_order_id, order.filled) == (S.FILLED, "77", D(1))
    assert search.settled == [order]
    evidence = await search.evidence()
    assert (evidence["source"], evidence["outcome"]) == ("operator", "adopt")
    assert (evidence["actor"], evidence["reason"]) == ("ann", "seen in the web app")


async def test_adopt_without_an_exchange_id_asks_by_our_own(search: Searching) -> None:
    search.venue_says(a_report(search.client_id))
    order = await search.rooms.adopt(search.order.order_id, None, reason="r", actor="a")
    assert order.state is S.ACCEPTED


@pytest.mark.parametrize(
    ("reported", "problem"),
    [
        (None, "knows no order 77"),
        ({"side": Side.SELL}, "it is a sell"),
        ({"amount": D(2)}, "it is of 2, not 1"),
    ],
)
async def test_adopt_with_an_order_that_cannot_be_this_one_is_refused(
    search: Searching, reported: dict[str, object] | None, problem: str
) -> None:
    if reported is not None:
        report = replace(a_report("web_9", exchange_order_id="77"), **reported)  # type: ignore[arg-type]
        search.path.live.by_exchange_id["77"] = report
    with pytest.raises(SettlementRefused, match=problem):
        await search.rooms.adopt(search.order.order_id, "77", reason="r", actor="a")
    assert search.path.tracker.get(search.order.order_id) == search.order


async def test_adopt_with_another_order_of_ours_is_refused(search: Searching) -> None:
    search.path.live.answer = accept
    other = await search.path.place(side=Side.SELL)
    search.path.live.on_the_wire.pop()
    search.path.live.by_exchange_id["x"] = a_report(other.client_order_id)
    with pytest.raises(SettlementRefused, match=f"our order {other.order_id}"):
        await search.rooms.adopt(search.order.order_id, "x", reason="r", actor="a")


@pytest.mark.parametrize("readable", [True, False])
async def test_mark_not_placed_with_no_sign_of_the_order_rejects_it_on_the_persons_word(
    search: Searching, readable: bool
) -> None:
    if not readable:
        search.path.live.closed_error = ReadFailed("busy")
        with pytest.raises(SettlementRefused, match=r"could not be asked .*closed_orders: busy"):
            await search.rooms.mark_not_placed(search.order.order_id, reason="r", actor="ann")
        assert search.path.tracker.get(search.order.order_id) == search.order
    order = await search.rooms.mark_not_placed(
        search.order.order_id,
        reason="the exchange's support says so",
        actor="ann",
        force=not readable,
    )
    assert order.state is S.REJECTED
    assert order.reason == "not_placed: settled by ann: the exchange's support says so"
    evidence = await search.evidence()
    assert (evidence["source"], evidence["actor"]) == ("operator", "ann")
    assert evidence["looked_up"][2]["answer"] == ("absent" if readable else "failed")


async def test_mark_not_placed_with_the_order_there_is_refused_and_takes_it_over(
    search: Searching,
) -> None:
    search.venue_says(a_report(search.client_id))
    with pytest.raises(SettlementRefused, match="it is accepted now"):
        await search.rooms.mark_not_placed(search.order.order_id, reason="r", actor="a")
    order = search.path.tracker.get(search.order.order_id)
    assert order is not None
    assert order.state is S.ACCEPTED


async def test_settle_by_a_person_with_an_order_that_is_not_unresolved_is_refused(
    search: Searching,
) -> None:
    search.path.tracker.apply(Mode.LIVE, a_report(search.client_id), "stream")
    for settle in (
        search.rooms.adopt(search.order.order_id, None, reason="r", actor="a"),
        search.rooms.mark_not_placed(search.order.order_id, reason="r", actor="a"),
    ):
        with pytest.raises(SettlementRefused, match="is accepted: only an unresolved order"):
            await settle
    with pytest.raises(UnknownOrder):
        await search.rooms.adopt("0" * 32, None, reason="r", actor="a")


async def test_settle_with_reads_that_fail_learns_nothing_from_them(search: Searching) -> None:
    search.path.clock.advance(PATIENCE_S * NS_PER_S)
    search.venue_says(ReadFailed("busy"))
    search.rooms.start(search.order)
    assert (await search.after_lookups(20)).state is S.UNRESOLVED


async def test_settle_with_a_venue_that_breaks_goes_on_looking(search: Searching) -> None:
    odd = a_report(search.client_id, filled="NaN")
    search.venue_says(RuntimeError("the client broke"), odd, a_report(search.client_id))
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
    search.path.clock.advance(PATIENCE_S * NS_PER_S)
    accepted = search.path.tracker.apply(Mode.LIVE, a_report(search.client_id), "stream")
    assert accepted is not None
    search.rooms.start(accepted)
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


async def test_settle_asks_at_once_when_the_venue_may_answer_again(
    search: Searching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "WAITS_S", (0.0, 3600.0))
    search.venue_says(ReadFailed("away"), a_report(search.client_id))
    search.rooms.start(search.order)
    await search.after_lookups(1)
    search.rooms.hasten()
    assert (await search.path.until(search.order.order_id, S.ACCEPTED)).reason is None


async def test_settle_hears_that_the_venue_answers_again_while_it_is_asking(
    search: Searching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "WAITS_S", (0.0, 3600.0))
    search.venue_says(ReadFailed("away"), a_report(search.client_id))
    asked = search.path.live.find_order

    async def find(symbol: str, client_order_id: str) -> OrderReport | None:
        search.rooms.hasten()
        return await asked(symbol, client_order_id)

    search.path.live.find_order = find  # type: ignore[method-assign]
    search.rooms.start(search.order)
    assert (await search.path.until(search.order.order_id, S.ACCEPTED)).reason is None


async def test_settle_begins_with_short_pauses_anew_when_the_venue_first_denies_the_order(
    search: Searching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "WAITS_S", (0.0, 0.0, 3600.0))
    search.venue_says(ReadFailed("away"), None)
    search.advance_after(lookups=2, seconds=PATIENCE_S)
    search.rooms.start(search.order)
    order = await search.path.until(search.order.order_id, S.REJECTED)
    assert order.reason == "not_placed: the exchange does not know it (3 look-ups)"
