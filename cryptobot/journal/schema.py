"""The tables as they are now; ``migrations/`` says how they came to be so.

``order_events`` is append-only: triggers refuse UPDATE and DELETE. ``orders`` is the view of each
order's last event. Times are UTC nanoseconds, JSON is text, decimals are exact text.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from cryptobot.domain.order import OPEN
from cryptobot.journal.column_types import DecimalText

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every revision this program knows, oldest first; the last is the one it works on."""

HEAD: Final = REVISIONS[-1]

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only as plain INTEGER
_OPEN_STATES = ", ".join(f"'{state}'" for state in sorted(OPEN))
_IS_OPEN = text(f"state IN ({_OPEN_STATES})")
_IS_LIVE = text("mode = 'live'")

order_events = Table(
    "order_events",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("from_state", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("evidence", Text),
    Column("payload", Text, nullable=False),
    Column("digest", Text, nullable=False),
    UniqueConstraint("order_id", "seq", name="uq_order_events_seq"),
    Index("ix_order_events_at", "at_ns"),
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("exchange_order_id", Text),
    Column("venue", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("amount", DecimalText, nullable=False),
    Column("price", DecimalText),
    Column("time_in_force", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("filled", DecimalText, nullable=False),
    Column("cost", DecimalText, nullable=False),
    Column("fees", Text, nullable=False),
    Column("reason", Text),
    Column("answered_ns", BigInteger),
    Column("latency_ms", Double),
    Column("failed", Boolean, nullable=False),
    Index("ix_orders_created", "created_ns"),
    Index("ix_orders_open", "created_ns", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    Index(
        "ix_orders_metrics",
        "mode",
        "state",
        "latency_ms",
        "failed",
        sqlite_where=_IS_LIVE,
        postgresql_where=_IS_LIVE,
    ),
)

fills = Table(
    "fills",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("venue", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("trade_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("exchange_order_id", Text, nullable=False),
    Column("client_order_id", Text),
    Column("side", Text, nullable=False),
    Column("price", DecimalText, nullable=False),
    Column("amount", DecimalText, nullable=False),
    Column("fee", DecimalText, nullable=False),
    Column("fee_currency", Text, nullable=False),
    Column("liquidity", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    # Beside the exchange's key (venue, symbol, trade id) the order: a trade between two orders of
    # ours has one trade id and two fills, and a restarted simulator counts trades from 1 again.
    UniqueConstraint("order_id", "trade_id", "symbol", "venue", name="uq_fills_trade"),
    Index("ix_fills_mode_at", "mode", "at_ns"),
)

mode_changes = Table(
    "mode_changes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("from_mode", Text),
    Column("to_mode", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    UniqueConstraint("at_ns", "to_mode", "trigger", name="uq_mode_changes"),
)

account_snapshots = Table(
    "account_snapshots",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("balances", Text, nullable=False),
    # Which fills are older cannot be told by clocks: ours is set, and theirs is another.
    Column("after_fill", BigInteger),
    UniqueConstraint("mode", "at_ns", name="uq_account_snapshots"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sink", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_ns", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text),
    Column("updated_ns", BigInteger, nullable=False),
    Index("ix_dead_letters_state", "state", "first_ns"),
)

balance_baselines = Table(
    "balance_baselines",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("totals", Text, nullable=False),
    Column("booked", Text, nullable=False),
    UniqueConstraint("at_ns", name="uq_balance_baselines"),
)

day_starts = Table(
    "day_starts",
    metadata,
    Column("mode", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("equity", DecimalText),
    Column("profit", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("started_ns", BigInteger, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("ended_ns", BigInteger),
    Column("clean", Boolean, nullable=False),
    UniqueConstraint("started_ns", "pid", name="uq_runs"),
)

write_probe = Table(
    "write_probe",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("attempts", BigInteger, nullable=False),
)
"""One row, written to find out whether a lost database takes writes again."""
