"""Looks for one order in every place where its venue would show it: the plan is a table.

==================  =====================================  =======================================
source              finds the order by                     its silence denies that the order
==================  =====================================  =======================================
``client_order_id`` our id, asked for directly             exists
``open_orders``     our id in the list                     rests
``closed_orders``   our id in the list                     was filled, cancelled, expired, rejected
``my_trades``       a trade of it; a trade of an order      has traded
                    nobody here knows is looked up
==================  =====================================  =======================================

One source that has it is proof. "It is not there" takes all of them: each may lag behind the
exchange's matching engine, and a read that failed says nothing (Binance REST, "Data sources").
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.errors import ReadFailed, ReadUnsupported
from cryptobot.domain.order import Fill, Order, OrderReport, OrderState
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.order_tracker import OrderTracker

CLOCKS_APART_MS: Final = 60_000
"""Lists are read from this long before the order on: the venue's clock may be behind ours."""

MOST_STRANGERS: Final = 10
"""Orders nobody here knows that are asked for in one round; with more, trades prove nothing."""


class Source(StrEnum):
    """Where an order may show."""

    CLIENT_ORDER_ID = "client_order_id"
    OPEN_ORDERS = "open_orders"
    CLOSED_ORDERS = "closed_orders"
    MY_TRADES = "my_trades"


class Answer(StrEnum):
    """What a source said."""

    FOUND = "found"
    ABSENT = "absent"
    FAILED = "failed"
    """It could not be read, or not far enough."""
    UNSUPPORTED = "unsupported"
    """The venue has no such read."""


class Verdict(StrEnum):
    """What all answers of a round come to."""

    FOUND = "found"
    DENIED = "denied"
    SILENT = "silent"
    """No evidence either way."""


_DENY: Final = frozenset({Answer.ABSENT, Answer.UNSUPPORTED})


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one source said, and by which of its rows."""

    source: Source
    answer: Answer
    detail: str = ""

    def to_wire(self) -> dict[str, str]:
        """Return it as evidence."""
        said = {"source": str(self.source), "answer": str(self.answer)}
        return {**said, "detail": self.detail} if self.detail else said


@dataclass(slots=True)
class Search:
    """An order that is looked for, and what the sources have shown so far.

    Attributes:
        strangers: Exchange ids of orders that were asked for and are not this one.
        listed: Exchange ids of the orders that this round's lists show.
        were_stale: Whether the lists of a round have lacked a later order of ours. A read that lags
            catches up; if our clock was ahead of the venue's when the order was made, they would
            lack it for ever.
    """

    venue: Exchange
    order: Order
    tracker: OrderTracker
    strangers: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)
    were_stale: bool = False

    @property
    def since_ms(self) -> int | None:
        """From when on lists are read; ``None``, once they were stale: the latest, by no clock."""
        if self.were_stale:
            return None
        return self.order.created_ns // NS_PER_MS - CLOCKS_APART_MS

    def ours(self, client_order_id: str | None, exchange_order_id: str) -> bool:
        """Return whether these ids name the order."""
        if client_order_id is not None:
            return client_order_id == self.order.client_order_id
        return exchange_order_id == self.order.exchange_order_id


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over the plan.

    Attributes:
        report: What the order is, by the source that found it.
        canary: A later order of ours that the lists show: they are newer than the order.
        stale: A later order of ours is missing from the lists: they are older than it, and
            what they do not show proves nothing.
    """

    sightings: tuple[Sighting, ...]
    report: OrderReport | None
    canary: str | None
    stale: bool

    @property
    def verdict(self) -> Verdict:
        """What the answers come to."""
        answers = [sighting.answer for sighting in self.sightings]
        if self.report is not None:
            return Verdict.FOUND
        if self.stale or not _DENY.issuperset(answers) or Answer.ABSENT not in answers:
            return Verdict.SILENT
        return Verdict.DENIED

    @property
    def found_in(self) -> str:
        """The source that has the order."""
        return next(str(item.source) for item in self.sightings if item.answer is Answer.FOUND)

    def to_wire(self) -> list[dict[str, str]]:
        """Return the round as evidence."""
        return [sighting.to_wire() for sighting in self.sightings]


Ask = Callable[[Search], Awaitable[OrderReport | None]]


async def _by_client_id(search: Search) -> OrderReport | None:
    return await search.venue.find_order(search.order.symbol, search.order.client_order_id)


async def _among_open(search: Search) -> OrderReport | None:
    return _among(search, await search.venue.open_orders(search.order.symbol))


async def _among_closed(search: Search) -> OrderReport | None:
    return _among(search, await search.venue.closed_orders(search.order.symbol, search.since_ms))


def _among(search: Search, reports: Sequence[OrderReport]) -> OrderReport | None:
    search.listed.update(report.exchange_order_id for report in reports)
    for report in reports:
        if search.ours(report.client_order_id, report.exchange_order_id):
            return report
    return None


async def _by_trades(search: Search) -> OrderReport | None:
    symbol, mode = search.order.symbol, search.order.mode
    strangers: dict[str, None] = {}
    for fill in await search.venue.my_trades(symbol, search.since_ms):
        report = report_of(fill)
        if search.ours(fill.client_order_id, fill.exchange_order_id):
            return await _whole(search, report)
        known = search.tracker.find(mode, report) is not None
        if not known and fill.side is search.order.side:
            strangers[fill.exchange_order_id] = None
    asked = [order_id for order_id in strangers if order_id not in search.strangers]
    for order_id in asked[:MOST_STRANGERS]:
        found = await search.venue.find_by_exchange_id(symbol, order_id)
        if found is not None and search.ours(found.client_order_id, order_id):
            return found
        if found is not None:
            search.strangers.add(order_id)
    left = sum(order_id not in search.strangers for order_id in strangers)
    if left:
        raise ReadFailed(f"{left} orders with trades could not be told yet")
    return None


async def _whole(search: Search, report: OrderReport) -> OrderReport:
    """Return the order of one of its trades, at least what the trade says of it."""
    with suppress(ReadFailed):
        found = await search.venue.find_by_exchange_id(report.symbol, report.exchange_order_id)
        if found is not None:
            return found
    return report


PLAN: Final[Sequence[tuple[Source, Ask]]] = (
    (Source.CLIENT_ORDER_ID, _by_client_id),
    (Source.OPEN_ORDERS, _among_open),
    (Source.CLOSED_ORDERS, _among_closed),
    (Source.MY_TRADES, _by_trades),
)
"""Who is asked, in this order; the first that has the order ends the round."""


async def look(search: Search) -> Round:
    """Ask every source once, until one has the order. Does not raise for a read that fails."""
    search.listed.clear()
    sightings: list[Sighting] = []
    report = None
    for source, ask in PLAN:
        try:
            report = await ask(search)
        except ReadUnsupported as error:
            sightings.append(Sighting(source, Answer.UNSUPPORTED, str(error)))
        except ReadFailed as error:
            sightings.append(Sighting(source, Answer.FAILED, str(error)))
        else:
            answer = Answer.ABSENT if report is None else Answer.FOUND
            sightings.append(Sighting(source, answer))
        if report is not None:
            break
    closed_listed = Sighting(Source.CLOSED_ORDERS, Answer.ABSENT) in sightings
    later = _later(search, closed_listed=closed_listed)
    seen = sorted(later & search.listed)
    stale = bool(later) and not seen
    search.were_stale = search.were_stale or stale
    return Round(tuple(sightings), report, canary=seen[0] if seen else None, stale=stale)


def _later(search: Search, *, closed_listed: bool) -> set[str]:
    """Return the exchange ids of our later orders that the lists must show if they are newer."""
    order = search.order
    return {
        other.exchange_order_id
        for other in search.tracker.recent()
        if other.exchange_order_id is not None
        and (other.mode, other.symbol) == (order.mode, order.symbol)
        and other.created_ns > order.created_ns
        and (closed_listed or other.is_open)
    }


def report_of(fill: Fill) -> OrderReport:
    """Return the least that a trade says of its order."""
    return OrderReport(
        symbol=fill.symbol,
        client_order_id=fill.client_order_id,
        exchange_order_id=fill.exchange_order_id,
        state=OrderState.PARTIALLY_FILLED,
        filled=fill.amount,
        cost=None,
        at_ns=fill.at_ns,
        fills=(fill,),
        side=fill.side,
    )
