"""The journal as it lies on disk, read with the standard library only."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any


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
    rows = _rows(
        path,
        "SELECT order_id, client_order_id, exchange_order_id, symbol, mode, state, filled, reason, "
        "latency_ms, failed FROM orders ORDER BY created_ns",
    )
    return [StoredOrder(*row[:6], Decimal(row[6]), *row[7:9], bool(row[9])) for row in rows]


def read_live_fills(path: Path) -> list[Trade]:
    """Return every fill of a live order, in order of symbol and trade."""
    rows = _rows(
        path,
        "SELECT symbol, trade_id, exchange_order_id, side, price, amount, fee, fee_currency, "
        "liquidity FROM fills WHERE mode = 'live'",
    )
    return sorted(
        Trade(*row[:4], Decimal(row[4]), Decimal(row[5]), Decimal(row[6]), *row[7:]) for row in rows
    )


def read_modes(path: Path) -> list[tuple[str, str, str]]:
    """Return the mode changes, oldest first: to, trigger, reason."""
    rows = _rows(path, "SELECT to_mode, trigger, reason FROM mode_changes ORDER BY id")
    return [(mode, trigger, reason) for mode, trigger, reason in rows]


def forgive_crashes(path: Path) -> None:
    """Mark every run as cleanly ended, so that the crash-loop guard does not count it.

    Only a proof may do that: it kills more often in ten minutes than the guard allows.
    """
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute("UPDATE runs SET clean = 1 WHERE clean = 0")


def _rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(statement).fetchall()
