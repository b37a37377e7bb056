"""What the engine tells: every change of an order, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from cryptobot.domain.order import Side
from cryptobot.matching.ledger import Holding
from cryptobot.matching.records import OrderRecord, TradeRecord


class ExecutionKind(StrEnum):
    """What happened to the order. A refused order makes no event: ``Refusal`` is raised."""

    NEW = "new"
    TRIGGERED = "triggered"
    """The last trade reached its trigger: the book knows it from now on."""
    TRADE = "trade"
    CANCELED = "canceled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PublicPrint:
    """A trade of ours as the public sees it.

    Fills by ``apply_trade`` make none: the feed printed that trade already.
    """

    symbol: str
    trade_id: int
    price: Decimal
    amount: Decimal
    taker_side: Side
    at_ns: int


@dataclass(frozen=True, slots=True)
class DepthChange:
    """A level of the public book that our order changed.

    Attributes:
        side: ``BUY`` for bids, ``SELL`` for asks.
        amount: All that is visible at the price now (market and ours), 0 when gone.
    """

    side: Side
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ExecutionEvent:
    """One change of one order.

    Attributes:
        execution_id: Engine-wide, rising by one.
        order: The order right after the change.
        trade: The fill, for ``TRADE``.
        balances: Every asset whose free or locked amount changed, as it stands after.
        public: The public trade, where this change made one.
        depth: The public levels that changed.
    """

    execution_id: int
    kind: ExecutionKind
    order: OrderRecord
    at_ns: int
    trade: TradeRecord | None = None
    balances: Mapping[str, Holding] = field(default_factory=dict)
    public: PublicPrint | None = None
    depth: tuple[DepthChange, ...] = ()
