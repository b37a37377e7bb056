"""One intent makes one order, and nothing is traded beside an order whose outcome is unknown."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.errors import JournalUnavailable, OrderRefused, OutcomeUnknown
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderReport, OrderState, Side
from cryptobot.trading.order_tracker import OrderTracker

from .order_path import OrderPath, an_intent
from .scripted_venue import Outcome, a_report, accept

S = OrderState
UNKNOWN = OutcomeUnknown("no answer", "timeout")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (UNKNOWN, S.UNRESOLVED),
        (a_report(None), S.ACCEPTED),
        (a_report(None, S.FILLED, filled="1", cost="100"), S.FILLED),
        (OrderRefused("no", "invalid_order"), S.REJECTED),
    ],
)
async def test_place_again_with_the_same_request_answers_the_same_order(
    path: OrderPath, answer: Outcome, state: S
) -> None:
    path.live.answer = lambda request: (
        replace(answer, client_order_id=request.client_order_id)
        if isinstance(answer, OrderReport)
        else answer
    )
    first = await path.place(request_id="r1")
    assert first.state is state
    assert await path.place(request_id="r1") == first
    assert len(path.live.on_the_wire) == 1


async def test_place_again_while_the_first_is_on_its_way_waits_for_its_answer(
    path: OrderPath,
) -> None:
    path.live.reply = asyncio.Event()
    first = asyncio.create_task(path.place(request_id="r1"))
    await path.live.left.wait()
    again = asyncio.create_task(path.place(request_id="r1"))
    await asyncio.sleep(0)
    path.live.reply.set()
    assert await first == await again
    assert len(path.live.on_the_wire) == 1


async def test_place_again_after_a_denial_answers_the_denied_order(path: OrderPath) -> None:
    denied = await path.place("0", request_id="r1")
    assert denied.state is S.DENIED
    assert await path.place("0", request_id="r1") == denied
    assert path.denials == ["instrument"]


@pytest.mark.parametrize(
    "other", [{"side": Side.SELL}, {"amount": "2"}, {"price": "99"}, {"origin": "strategy:x"}]
)
async def test_place_another_order_under_a_used_request_id_is_denied_and_sends_nothing(
    path: OrderPath, other: dict[str, str]
) -> None:
    first = await path.place(request_id="r1")
    second = await path.place(request_id="r1", **other)
    assert second.state is S.DENIED
    assert first.order_id in (second.reason or "")
    assert path.denials == ["request_id"]
    assert await path.place(request_id="r1") == first  # the id still means the first
    assert len(path.live.on_the_wire) == 1


async def test_place_again_after_the_journal_could_not_take_it_is_a_first_time(
    path: OrderPath,
) -> None:
    with path.journal_locked(), pytest.raises(JournalUnavailable):
        await path.place(request_id="r1")
    await path.journal.wait_available()
    assert (await path.place(request_id="r1")).state is S.ACCEPTED
    assert len(path.live.on_the_wire) == 1


async def test_tracker_after_a_restart_still_knows_the_request(path: OrderPath) -> None:
    order = await path.place(request_id="r1")
    restarted = OrderTracker(path.clock, lambda *_: None)
    restarted.load(order, ())
    assert restarted.by_request_id("r1") == order


Origins = tuple[str, str]


@pytest.mark.parametrize(
    ("origins", "on", "blocked"),
    [
        (("strategy:a", "strategy:a"), True, True),
        (("strategy:a", "strategy:b"), True, True),
        (("strategy:a", "manual"), True, True),
        (("manual", "strategy:a"), True, True),
        (("manual", "manual"), True, True),
        (("strategy:a", "strategy:a"), False, True),
        (("strategy:a", "strategy:b"), False, False),
        (("strategy:a", "manual"), False, False),
        (("manual", "strategy:a"), False, False),
        (("manual", "manual"), False, False),
    ],
)
async def test_place_beside_an_unknown_outcome_waits_for_it(
    path: OrderPath,
    limit_risk: Callable[..., None],
    origins: Origins,
    on: bool,
    blocked: bool,
) -> None:
    limit_risk(block_while_unresolved=on)
    path.live.answer = lambda _: UNKNOWN
    unknown = await path.place(origin=origins[0])
    path.live.answer = accept
    second = await path.place(origin=origins[1])
    if blocked:
        assert second.state is S.DENIED
        assert (second.reason or "").startswith("unresolved: ")
        assert unknown.order_id in (second.reason or "")
        assert "risk.block_while_unresolved" in (second.reason or "")
    else:
        assert second.state is S.ACCEPTED


async def test_place_on_the_other_side_or_after_the_outcome_is_known_is_taken(
    path: OrderPath,
) -> None:
    path.live.answer = lambda _: UNKNOWN
    unknown = await path.place()
    path.live.answer = accept
    assert (await path.place(side=Side.SELL)).state is S.ACCEPTED
    path.tracker.apply(Mode.LIVE, a_report(unknown.client_order_id, S.CANCELED), "lookup")
    assert (await path.place()).state is S.ACCEPTED


async def test_place_beside_an_unknown_outcome_counts_it_as_filled_both_ways(
    path: OrderPath, limit_risk: Callable[..., None]
) -> None:
    limit_risk(block_while_unresolved=False)
    path.live.answer = lambda _: UNKNOWN
    for _ in range(5):
        await path.gateway.place(an_intent("9"))
    path.live.answer = accept
    over = await path.place("9")
    assert (over.reason or "").startswith("max_position_notional: ")
    path.account.held[Mode.LIVE, over.symbol] = D(-45)
    short = await path.place("9", side=Side.SELL)  # they may not have filled, too
    assert (short.reason or "").startswith("max_position_notional: ")
