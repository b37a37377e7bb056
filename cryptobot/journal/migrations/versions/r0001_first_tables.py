"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create every table."""
    _create_orders()
    _create_events()
    _create_fills()
    op.create_table(
        "mode_changes",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("from_mode", sa.Text),
        sa.Column("to_mode", sa.Text, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.UniqueConstraint("at_ns", "to_mode", "trigger", name="uq_mode_changes"),
    )
    op.create_table(
        "account_snapshots",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("balances", sa.Text, nullable=False),
        sa.UniqueConstraint("mode", "at_ns", name="uq_account_snapshots"),
    )
    op.create_table(
        "runs",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("started_ns", sa.BigInteger, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("ended_ns", sa.BigInteger),
        sa.Column("clean", sa.Boolean, nullable=False),
        sa.UniqueConstraint("started_ns", "pid", name="uq_runs"),
    )
    op.create_table(
        "write_probe",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
    )


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("client_order_id", sa.Text, nullable=False),
        sa.Column("exchange_order_id", sa.Text),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("amount", sa.Text, nullable=False),
        sa.Column("price", sa.Text),
        sa.Column("time_in_force", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("updated_ns", sa.BigInteger, nullable=False),
        sa.Column("filled", sa.Text, nullable=False),
        sa.Column("cost", sa.Text, nullable=False),
        sa.Column("fees", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("answered_ns", sa.BigInteger),
        sa.Column("latency_ms", sa.Double),
        sa.Column("failed", sa.Boolean, nullable=False),
    )
    is_open = sa.text("state IN ('accepted', 'partially_filled', 'submitted', 'unresolved')")
    op.create_index("ix_orders_created", "orders", ["created_ns"])
    op.create_index(
        "ix_orders_open", "orders", ["created_ns"], sqlite_where=is_open, postgresql_where=is_open
    )


def _create_events() -> None:
    op.create_table(
        "order_events",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("evidence", sa.Text),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.UniqueConstraint("order_id", "seq", name="uq_order_events_seq"),
    )
    op.create_index("ix_order_events_at", "order_events", ["at_ns"])


def _create_fills() -> None:
    op.create_table(
        "fills",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("trade_id", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("exchange_order_id", sa.Text, nullable=False),
        sa.Column("client_order_id", sa.Text),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("amount", sa.Text, nullable=False),
        sa.Column("fee", sa.Text, nullable=False),
        sa.Column("fee_currency", sa.Text, nullable=False),
        sa.Column("liquidity", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.UniqueConstraint("order_id", "trade_id", "symbol", "venue", name="uq_fills_trade"),
    )
    op.create_index("ix_fills_mode_at", "fills", ["mode", "at_ns"])
