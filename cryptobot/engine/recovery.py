"""What the journal gives back at a start: orders, positions, the paper account, the counters."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import structlog

from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Fill, Order, OrderState, Side
from cryptobot.engine.metrics_feed import MetricsFeed
from cryptobot.journal.journal import Journal
from cryptobot.journal.positions import positions
from cryptobot.journal.records import AccountSnapshot, RecordedFill
from cryptobot.trading.balance_book import BalanceBook
from cryptobot.trading.exchange import Balance
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.portfolio import Portfolio
from cryptobot.trading.risk import DailyLoss
from telemetry.catalogue import ORDER_LATENCY_BUCKETS_MS

ALL: Final = 1_000_000_000
"""A limit that is none."""

RECENT: Final = 4_000
"""Latest orders that are held in memory again."""

_log = structlog.stdlib.get_logger("cryptobot.engine")


async def restore_metrics(journal: Journal, feed: MetricsFeed) -> None:
    """Set the named metrics to what the journal has; before anything of this run is counted."""
    stored = await journal.order_metrics(ORDER_LATENCY_BUCKETS_MS)
    feed.restore(
        stored.failed_total,
        stored.latency_count,  # those without an answer are counted when they get one
        (*stored.bucket_counts, stored.latency_count),
        stored.latency_sum_ms,
    )


async def restore_orders(journal: Journal, tracker: OrderTracker) -> list[Order]:
    """Take over the orders that may still change, and the newest closed ones.

    Of a closed live order not all trades may be known: the engine may have ended between learning
    that it was filled and learning by which trades. And a request made again after a restart must
    find the order that it made.

    Returns:
        The live orders whose outcome must be looked up.
    """
    fills = _by_order([*await _recorded(journal, Mode.LIVE), *await _recorded(journal, Mode.PAPER)])
    for order in reversed(await journal.orders(limit=RECENT)):
        tracker.load(order, fills.get(order.order_id, ()))
    unresolved = []
    for order in await journal.open_orders():
        tracker.load(order, fills.get(order.order_id, ()))
        current = _unanswered(tracker, order) if order.state is OrderState.SUBMITTED else order
        if current.state is OrderState.UNRESOLVED:
            unresolved.append(current)
    if unresolved:
        _log.warning("orders_unresolved_at_start", count=len(unresolved))
    return unresolved


def _unanswered(tracker: OrderTracker, order: Order) -> Order:
    """Settle an order that an earlier run journalled and got no answer to."""
    if order.mode is Mode.LIVE:
        state, reason = OrderState.UNRESOLVED, "cancelled: the engine stopped before the answer"
    else:  # the paper exchange ended with the engine: it never had the order
        state, reason = OrderState.DENIED, "not_sent: the engine stopped before matching it"
    return tracker.settle(order.order_id, state, reason, {"source": "recovery"})


def drop_paper_order(tracker: OrderTracker, order: Order) -> None:
    """Close a paper order that the restarted paper exchange could not take back."""
    _log.warning("paper_order_not_restored", orderId=order.order_id, symbol=order.symbol)
    tracker.settle(
        order.order_id,
        OrderState.CANCELED,
        "the paper exchange could not take it back after a restart",
        {"source": "recovery"},
    )


async def restore_positions(journal: Journal, portfolio: Portfolio) -> None:
    """Set the positions of both modes.

    The paper account started from the live one at its snapshot, so its positions are the live
    fills known by then and the paper fills since.
    """
    live = await _recorded(journal, Mode.LIVE)
    paper = await _recorded(journal, Mode.PAPER)
    start = await journal.last_account(Mode.PAPER)
    portfolio.set_positions(Mode.LIVE, positions(item.fill for item in live))
    before = [item.fill for item in live if start is not None and not _is_since(start, item)]
    since = [item.fill for item in paper if _is_since(start, item)]
    portfolio.set_positions(Mode.PAPER, positions([*before, *since]))


async def restore_balances(journal: Journal, book: BalanceBook) -> None:
    """Tell the book what all live trades changed and what the account held."""
    book.restore(await _fills(journal, Mode.LIVE), await journal.last_baseline())


async def restore_days(journal: Journal, losses: Mapping[Mode, DailyLoss]) -> None:
    """Go on counting each mode's loss from how its day began."""
    for mode, loss in losses.items():
        loss.restore(await journal.last_day(mode))


async def paper_balances(journal: Journal, first: Mapping[str, Decimal]) -> Mapping[str, Balance]:
    """Return what the paper account holds: its last snapshot and the fills since.

    Args:
        journal: The journal.
        first: The account of a first start.
    """
    snapshot = await journal.last_account(Mode.PAPER)
    totals = dict(first)
    if snapshot is not None:
        totals = {
            asset: holding.free + holding.locked for asset, holding in snapshot.holdings.items()
        }
    for item in await _recorded(journal, Mode.PAPER):
        if _is_since(snapshot, item):
            _book(totals, item.fill)
    return {asset: Balance(max(total, ZERO), ZERO) for asset, total in totals.items()}


def _is_since(start: AccountSnapshot | None, item: RecordedFill) -> bool:
    """Whether a fill was written after a snapshot, whatever the clocks said then."""
    if start is None:
        return True
    if start.after_fill is None:
        return item.fill.at_ns > start.at_ns
    return item.number > start.after_fill


def _book(totals: dict[str, Decimal], fill: Fill) -> None:
    base, _, quote = fill.symbol.partition("/")
    sign = 1 if fill.side is Side.BUY else -1
    totals[base] = totals.get(base, ZERO) + sign * fill.amount
    totals[quote] = totals.get(quote, ZERO) - sign * fill.amount * fill.price
    totals[fill.fee_currency] = totals.get(fill.fee_currency, ZERO) - fill.fee


async def _fills(journal: Journal, mode: Mode) -> list[Fill]:
    return [item.fill for item in await _recorded(journal, mode)]


async def _recorded(journal: Journal, mode: Mode) -> list[RecordedFill]:
    return list(reversed(await journal.fills(mode=mode, limit=ALL)))


def _by_order(recorded: Iterable[RecordedFill]) -> Mapping[str, list[Fill]]:
    found: dict[str, list[Fill]] = {}
    for item in recorded:
        found.setdefault(item.order_id, []).append(item.fill)
    return found
