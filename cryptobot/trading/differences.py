"""What a reconciliation found: differences of a closed set of kinds, and what is not ours."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from cryptobot.domain.clock import iso
from cryptobot.domain.money import plain
from cryptobot.domain.order import OrderReport, Side


class DifferenceKind(StrEnum):
    """How the journal and the exchange may differ. Alerts are made by these."""

    UNREADABLE = "unreadable"
    """The exchange could not be read: no verdict."""
    UNKNOWN_OWN_ORDER = "unknown_own_order"
    """An order there carries our mark, and the journal does not know it."""
    OPEN_THERE = "open_there"
    """Closed here, open there."""
    FORGOTTEN = "forgotten"
    """Accepted once, and the exchange does not know it any more."""
    MISSING_TRADES = "missing_trades"
    """Filled further than its known trades tell."""
    TRADED_AFTER_ALL = "traded_after_all"
    """Settled as never placed, and it has trades; they are taken over."""
    UNRESOLVED = "unresolved"
    """An outcome is unknown; it is being looked up."""
    BALANCE = "balance"
    """An asset changed by something that is no trade of ours: a deposit, a trade of others."""
    BALANCE_NOT_BELIEVED = "balance_not_believed"
    """The account is said to be empty and was not: an unreadable reply looks the same."""


class Outcome(StrEnum):
    """What a reconciliation came to, as ``reconciliations_total`` counts it."""

    CLEAN = "clean"
    REPAIRED = "repaired"
    """Something was taken over from the exchange; nothing differs now."""
    MISMATCH = "mismatch"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        subject: The symbol or the asset; empty when it is about the exchange as a whole.
        detail: One line for people.
        order_id: Ours, where it is about one.
    """

    kind: DifferenceKind
    subject: str
    detail: str
    order_id: str | None = None

    def __str__(self) -> str:
        return self.detail

    def to_wire(self) -> dict[str, object]:
        """Return the difference as the control socket shows it."""
        return {
            "kind": str(self.kind),
            "subject": self.subject,
            "detail": self.detail,
            "order_id": self.order_id,
        }


@dataclass(frozen=True, slots=True)
class ExternalOrder:
    """An open order on the account that is not ours; never touched."""

    symbol: str
    exchange_order_id: str
    client_order_id: str | None
    side: Side | None
    amount: Decimal | None

    @classmethod
    def of(cls, report: OrderReport) -> "ExternalOrder":
        """Return the order that a report is about."""
        return cls(
            report.symbol,
            report.exchange_order_id,
            report.client_order_id,
            report.side,
            report.amount,
        )

    def to_wire(self) -> dict[str, object]:
        """Return the order as the control socket shows it."""
        return {
            "symbol": self.symbol,
            "exchange_order_id": self.exchange_order_id,
            "client_order_id": self.client_order_id,
            "side": None if self.side is None else str(self.side),
            "amount": None if self.amount is None else plain(self.amount),
        }


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one comparison found.

    Attributes:
        at_ns: When it ended, UTC nanoseconds.
        differences: Empty when clean.
        external: Open orders on the account that are not ours.
        complete: Whether the exchange could be read.
        repaired: Orders whose state, filled amount or trades were taken over.
        balances_compared: Whether balances could be compared: not while a trade may be under way
            that only one side knows.
    """

    at_ns: int
    differences: tuple[Difference, ...] = ()
    external: tuple[ExternalOrder, ...] = ()
    complete: bool = True
    repaired: int = 0
    balances_compared: bool = False

    @property
    def clean(self) -> bool:
        """Whether everything was read and nothing differs (any more)."""
        return self.complete and not self.differences

    @property
    def outcome(self) -> Outcome:
        """What it came to."""
        if not self.complete:
            return Outcome.FAILED
        if self.differences:
            return Outcome.MISMATCH
        return Outcome.REPAIRED if self.repaired else Outcome.CLEAN

    def summary(self) -> dict[str, object]:
        """Return the result in short, for ``engine.status``."""
        return {
            "at": iso(self.at_ns),
            "outcome": str(self.outcome),
            "differences": len(self.differences),
            "external_orders": len(self.external),
        }

    def to_wire(self) -> dict[str, object]:
        """Return the result as the control socket shows it."""
        return {
            **self.summary(),
            "repaired": self.repaired,
            "balances_compared": self.balances_compared,
            "differences": [difference.to_wire() for difference in self.differences],
            "external_orders": [order.to_wire() for order in self.external],
        }


@dataclass(slots=True)
class Findings:
    """What a running comparison has found so far."""

    differences: list[Difference] = field(default_factory=list)
    external: list[ExternalOrder] = field(default_factory=list)
    repaired: set[str] = field(default_factory=set)
    balances_compared: bool = False
