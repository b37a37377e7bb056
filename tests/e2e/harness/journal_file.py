"""The journal as it lies on disk, read with the standard library only."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """A row of ``orders``."""

    order_id: str
    client_order_id: str
    exchange_order_id: str | None
    symbol: str
    mode: str
    state: str
    filled: Decimal
    reason: str | None
    latency_ms: float | None
    failed: bool


@dataclass(frozen=True, slots=True, order=True)
class Trade:
    """A fill, by the journal or by the exchange."""

    symbol: str
    trade_id: str
    exchange_order_id: str
    side: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: str


def read_orders(path: Path) -> list[StoredOrder]:
    """Return every order."""
    return [
        StoredOrder(
            order_id=row["order_id"],
            client_order_id=row["client_order_id"],
            exchange_order_id=row["exchange_order_id"],
            symbol=row["symbol"],
            mode=row["mode"],
            state=row["state"],
            filled=Decimal(row["filled"]),
            reason=row["reason"],
            latency_ms=row["latency_ms"],
            failed=bool(row["failed"]),
        )
        for row in _rows(path, "SELECT * FROM orders ORDER BY created_ns")
    ]


def read_live_fills(path: Path) -> list[Trade]:
    """Return every fill of a live order, in order of symbol and trade."""
    return sorted(
        Trade(
            symbol=row["symbol"],
            trade_id=row["trade_id"],
            exchange_order_id=row["exchange_order_id"],
            side=row["side"],
            price=Decimal(row["price"]),
            amount=Decimal(row["amount"]),
            fee=Decimal(row["fee"]),
            fee_currency=row["fee_currency"],
            liquidity=row["liquidity"],
        )
        for row in _rows(path, "SELECT * FROM fills WHERE mode = 'live'")
    )


def read_modes(path: Path) -> list[tuple[str, str, str]]:
    """Return the mode changes, oldest first: to, trigger, reason."""
    rows = _rows(path, "SELECT to_mode, trigger, reason FROM mode_changes ORDER BY id")
    return [(mode, trigger, reason) for mode, trigger, reason in rows]


def unclean_runs(path: Path) -> int:
    """Return how many runs did not say that they ended."""
    (row,) = _rows(path, "SELECT count(*) FROM runs WHERE clean = 0")
    return int(row[0])


def forgive_crashes(path: Path) -> None:
    """Mark every run as cleanly ended, so that the crash-loop guard does not count it.

    Only a proof may do that: it kills more often in ten minutes than the guard allows.
    """
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute("UPDATE runs SET clean = 1 WHERE clean = 0")


def _rows(path: Path, statement: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(statement).fetchall()
