"""What the journal takes and gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.order import Fill, Order, OrderState


class RecordRefused(JournalUnavailable):
    """The database took everything but this record: mend the record, the journal is well."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One order event: the order as it is now, why, and the fills that came with it.

    Attributes:
        venue: The exchange's id; also for paper orders.
        evidence: What settled it, as JSON text; ``None`` for none.
    """

    order: Order
    venue: str
    evidence: str | None
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a committed order record became.

    Attributes:
        seq: The event's number within its order, from 1.
        duplicate: Whether the very same record was there already (a resubmission).
        new_fills: Of the record's fills, those that this record brought in. A resubmission
            answers the same as the first time.
    """

    seq: int
    duplicate: bool
    new_fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class ModeChange:
    """A change of mode; ``from_mode`` is ``None`` at the first start."""

    at_ns: int
    from_mode: Mode | None
    to_mode: Mode
    trigger: ModeTrigger
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Holding:
    """An asset of an account: ``locked`` is bound in open orders."""

    free: Decimal
    locked: Decimal


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """An account's holdings by asset at ``at_ns``.

    Attributes:
        after_fill: The number of the last fill recorded before it; the journal says it. ``None``:
            written by a version that did not.
    """

    mode: Mode
    at_ns: int
    holdings: Mapping[str, Holding]
    after_fill: int | None = None


@dataclass(frozen=True, slots=True)
class BalanceBaseline:
    """What the live account held when it was last believed.

    Attributes:
        totals: By asset; zeros are left out.
        booked: What all our live trades up to then had changed, by asset.
    """

    at_ns: int
    totals: Mapping[str, Decimal]
    booked: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class DayStart:
    """How a mode's UTC day began: what its losses are counted from.

    Attributes:
        equity: What the account was worth, in quote currency; ``None`` when unknown.
        profit: Realized and unrealized profit up to then, by symbol, in quote currency.
    """

    mode: Mode
    day: date
    at_ns: int
    equity: Decimal | None
    profit: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class RunStart:
    """An engine start; ``(started_ns, pid)`` identifies the run."""

    started_ns: int
    pid: int
    version: str


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The orderly end of the run that ``started_ns`` and ``pid`` identify."""

    started_ns: int
    pid: int
    ended_ns: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the engine; ``clean`` is false while it runs and for ever after a crash."""

    started_ns: int
    ended_ns: int | None
    clean: bool
    pid: int
    version: str


class DeadLetterState(StrEnum):
    """What became of a dead letter."""

    DEAD = "dead"
    """Waiting for a person."""
    RETRIED = "retried"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that was given up on, with all that is needed to understand and repeat it.

    Attributes:
        id: 32 hex digits.
        sink: What could not be served: ``orders``.
        operation: What was tried: ``place_order``, ``cancel_order``.
        subject: What it was about: an order id.
        payload: What was to be done, as anything JSON can hold.
        evidence: What was met at each attempt, as anything JSON can hold.
        attempts: How often it was tried.
        reason: Why it was given up, or what a person said.
        actor: Who changed its state; ``None`` while nobody has.
        updated_ns: When the state changed, UTC nanoseconds.
    """

    id: str
    sink: str
    operation: str
    subject: str
    payload: Mapping[str, object]
    evidence: object
    attempts: int
    first_ns: int
    last_ns: int
    state: DeadLetterState
    reason: str
    actor: str | None
    updated_ns: int


Record = (
    OrderRecord
    | ModeChange
    | AccountSnapshot
    | BalanceBaseline
    | DayStart
    | RunStart
    | RunEnd
    | DeadLetter
)


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One line of an order's history, never changed.

    Attributes:
        from_state: The order's state before; ``None`` for the intent itself.
        evidence: What settled it, or ``None``.
        payload: The order as it was then: the columns of ``orders``, decimals as text.
    """

    order_id: str
    seq: int
    at_ns: int
    from_state: OrderState | None
    state: OrderState
    reason: str | None
    evidence: object
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RecordedFill:
    """A fill with the order it belongs to.

    Attributes:
        number: Rises in the order of writing.
    """

    number: int
    fill: Fill
    order_id: str
    mode: Mode
    venue: str


@dataclass(frozen=True, slots=True)
class OrderMetrics:
    """The two named order metrics, as the journal has them; live orders only.

    Attributes:
        failed_total: Orders with ``failed`` set.
        bucket_counts: For each edge asked for, the orders with ``latency_ms`` at or below it
            (cumulative, as Prometheus counts).
        latency_count: Orders with a latency: the ``+Inf`` bucket.
        latency_sum_ms: Their sum in milliseconds.
        sent_total: Orders that have left ``initialized`` and were not denied.
    """

    failed_total: int
    bucket_counts: tuple[int, ...]
    latency_count: int
    latency_sum_ms: float
    sent_total: int


@dataclass(frozen=True, slots=True)
class DailyOrders:
    """Orders created on one UTC day in one mode, by the state they have now."""

    day: date
    mode: Mode
    total: int
    failed: int
    by_state: Mapping[OrderState, int]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """How often orders moved from one state to another; from ``None`` is creation."""

    from_state: OrderState | None
    to_state: OrderState
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The journal in numbers.

    Attributes:
        by_mode_and_state: Orders by mode and state; absent pairs are zero.
        oldest_open_ns: When the oldest open order of each mode was created; absent for none.
        failed: Live orders with ``failed`` set.
        last_event_ns: The newest order's last change; ``None`` while there is no order.
    """

    by_mode_and_state: Mapping[tuple[Mode, OrderState], int]
    oldest_open_ns: Mapping[Mode, int]
    fills: Mapping[Mode, int]
    failed: int
    mode_changes: int
    last_event_ns: int | None


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """How the writer does.

    Attributes:
        reason: Why it is unavailable, one line; ``None`` while available.
        queued: Records waiting for their commit.
        commits: Transactions committed since the start.
        records: Records committed since the start.
        last_commit_ms: Duration of the last transaction.
    """

    available: bool
    reason: str | None
    queued: int
    commits: int
    records: int
    last_commit_ms: float
