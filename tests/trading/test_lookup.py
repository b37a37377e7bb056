"""Every row of the look-up plan, and what the answers come to."""

from dataclasses import replace
from itertools import product

import pytest

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.errors import OutcomeUnknown, ReadFailed, ReadUnsupported
from cryptobot.domain.order import Order, OrderReport, OrderState
from cryptobot.trading.lookup import (
    MOST_STRANGERS,
    PLAN,
    Answer,
    Round,
    Search,
    Sighting,
    Source,
    Verdict,
    look,
)

from .order_path import OrderPath
from .scripted_venue import a_report, a_trade, accept

S = OrderState


@pytest.fixture
async def search(path: OrderPath) -> Search:
    path.live.answer = lambda _: OutcomeUnknown("no answer", "timeout")
    return Search(path.live, await path.place(), path.tracker)


def show(path: OrderPath, source: Source, order: Order) -> None:
    """Let one source have the order, and no other."""
    client_id = order.client_order_id
    match source:
        case Source.CLIENT_ORDER_ID:
            path.live.known[client_id] = a_report(client_id)
        case Source.OPEN_ORDERS:
            path.live.listed = [a_report("web_1"), a_report(client_id)]
        case Source.CLOSED_ORDERS:
            path.live.closed = [a_report("web_1"), a_report(client_id, S.CANCELED)]
        case Source.MY_TRADES:  # which name the exchange's id only: the order is asked for
            path.live.trades = [a_trade("t0", "web_1"), a_trade("t1", client_id)]
            path.live.by_exchange_id = {
                "x-web_1": a_report("web_1", S.FILLED),
                f"x-{client_id}": a_report(client_id, S.FILLED, filled="1"),
            }


def break_(path: OrderPath, source: Source, error: Exception, order: Order) -> None:
    match source:
        case Source.CLIENT_ORDER_ID:
            path.live.known[order.client_order_id] = error
        case Source.OPEN_ORDERS:
            path.live.list_error = error
        case Source.CLOSED_ORDERS:
            path.live.closed_error = error
        case Source.MY_TRADES:
            path.live.trades_error = error


@pytest.mark.parametrize("source", Source)
async def test_look_with_one_source_that_has_the_order_finds_it_there(
    path: OrderPath, search: Search, source: Source
) -> None:
    show(path, source, search.order)
    heard = await look(search)
    assert (heard.verdict, heard.found_in) == (Verdict.FOUND, source)
    assert heard.report is not None
    assert heard.report.client_order_id == search.order.client_order_id


@pytest.mark.parametrize("source", Source)
async def test_look_with_the_other_sources_broken_still_finds_it(
    path: OrderPath, search: Search, source: Source
) -> None:
    show(path, source, search.order)
    for other in Source:
        if other is not source:
            break_(path, other, ReadFailed("busy"), search.order)
    assert (await look(search)).found_in == source


def test_plan_asks_every_source_once() -> None:
    assert [source for source, _ in PLAN] == list(Source)


async def test_look_with_the_order_nowhere_is_denied_by_every_source(search: Search) -> None:
    heard = await look(search)
    assert heard.verdict is Verdict.DENIED
    assert [item.answer for item in heard.sightings] == [Answer.ABSENT] * len(PLAN)


@pytest.mark.parametrize("source", Source)
async def test_look_with_one_source_that_fails_is_no_evidence(
    path: OrderPath, search: Search, source: Source
) -> None:
    break_(path, source, ReadFailed("busy"), search.order)
    heard = await look(search)
    assert heard.verdict is Verdict.SILENT
    assert {"source": source, "answer": "failed", "detail": "busy"} in heard.to_wire()


async def test_look_at_a_venue_without_a_list_of_closed_orders_goes_by_the_others(
    path: OrderPath, search: Search
) -> None:
    break_(path, Source.CLOSED_ORDERS, ReadUnsupported("no such list"), search.order)
    assert (await look(search)).verdict is Verdict.DENIED


async def test_look_with_a_trade_that_names_our_id_finds_it_without_asking_further(
    path: OrderPath, search: Search
) -> None:
    client_id = search.order.client_order_id
    path.live.trades = [replace(a_trade("t1", client_id), client_order_id=client_id)]
    heard = await look(search)
    assert heard.report is not None
    assert [fill.trade_id for fill in heard.report.fills] == ["t1"]


async def test_look_with_trades_of_orders_that_cannot_be_told_is_no_evidence(
    path: OrderPath, search: Search
) -> None:
    strangers = [f"web_{number}" for number in range(MOST_STRANGERS + 1)]
    path.live.trades = [a_trade(f"t{name}", name) for name in strangers]
    path.live.by_exchange_id = {f"x-{name}": a_report(name, S.FILLED) for name in strangers}
    assert (await look(search)).verdict is Verdict.SILENT  # one was left
    assert (await look(search)).verdict is Verdict.DENIED  # the others were remembered


async def test_look_reads_lists_from_before_the_order(path: OrderPath, search: Search) -> None:
    await look(search)
    made_ms = search.order.created_ns // 1_000_000
    assert path.live.closed_asked == path.live.trades_asked == [made_ms - 60_000]


@pytest.mark.parametrize("listed", ["open", "closed", None])
async def test_look_with_a_later_order_tells_by_it_whether_the_lists_are_newer(
    path: OrderPath, search: Search, listed: str | None
) -> None:
    path.clock.advance(1)
    path.live.answer = accept
    later = await path.place(side=search.order.side.opposite)
    if listed == "open":
        path.live.listed = [a_report(later.client_order_id)]
    elif listed == "closed":
        path.live.closed = [a_report(later.client_order_id, S.CANCELED)]
    heard = await look(search)
    if listed is None:
        assert (heard.stale, heard.verdict) == (True, Verdict.SILENT)
    else:
        assert (heard.canary, heard.verdict) == (later.exchange_order_id, Verdict.DENIED)


async def test_look_after_our_clock_was_far_ahead_reads_the_lists_by_no_clock(
    path: OrderPath, search: Search
) -> None:
    path.clock.advance(1)
    path.live.answer = accept
    later = await path.place(side=search.order.side.opposite)
    hours_ago = search.order.created_ns - 3 * 3600 * NS_PER_S
    said = replace(a_report(later.client_order_id, S.CANCELED), at_ns=hours_ago)
    path.live.closed = [said]
    assert (await look(search)).verdict is Verdict.SILENT
    assert [(await look(search)).verdict for _ in range(2)] == [Verdict.DENIED] * 2
    assert path.live.closed_asked[1:] == path.live.trades_asked[1:] == [None, None]


@pytest.mark.parametrize("answers", list(product(Answer, repeat=2)))
def test_verdict_of_every_pair_of_answers(answers: tuple[Answer, Answer]) -> None:
    report: OrderReport | None = a_report("cb1") if Answer.FOUND in answers else None
    sightings = tuple(
        Sighting(source, answer) for source, answer in zip(Source, answers, strict=False)
    )
    verdict = Round(sightings, report, canary=None, stale=False).verdict
    stale = Round(sightings, report, canary=None, stale=True).verdict
    if Answer.FOUND in answers:
        assert verdict is stale is Verdict.FOUND
    elif Answer.FAILED in answers or Answer.ABSENT not in answers:
        assert verdict is stale is Verdict.SILENT
    else:
        assert (verdict, stale) == (Verdict.DENIED, Verdict.SILENT)
