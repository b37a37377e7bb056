"""Time from handing an order to the journal until it is on disk, against bare sqlite3."""

import asyncio
import sqlite3
import time
from pathlib import Path

from bench.order_path import run_on_loop
from bench.result import Bench, Result, compared
from cryptobot.domain.clock import SystemClock
from cryptobot.domain.ids import IdSource, client_order_id
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import decimal
from cryptobot.domain.order import Order, OrderState, OrderType, Side, TimeInForce
from cryptobot.journal.journal import Journal

PAUSE_S = 0.002


def run(bench: Bench) -> list[Result]:
    """Record one intent at a time, in turns with a bare insert of the same size."""
    return run_on_loop(lambda: _measure(bench))


async def _measure(bench: Bench) -> list[Result]:
    folder = bench.folder("journal")
    bare = _bare_database(folder / "bare.db")
    commits: list[float] = []
    inserts: list[float] = []
    rounds = bench.times(500, 30)
    async with Journal.open(f"sqlite:///{folder / 'cryptobot.db'}", clock=SystemClock()) as journal:
        for number in range(-10, rounds):
            order = _order()
            began = time.perf_counter_ns()
            await journal.record(order, venue="binance")
            middle = time.perf_counter_ns()
            await asyncio.sleep(PAUSE_S)
            bare_began = time.perf_counter_ns()
            bare.execute("BEGIN IMMEDIATE")
            bare.execute("INSERT INTO intents VALUES (?, ?)", (order.order_id, "x" * 600))
            bare.execute("COMMIT")
            bare_ended = time.perf_counter_ns()
            await asyncio.sleep(PAUSE_S)
            if number >= 0:
                commits.append((middle - began) / 1e6)
                inserts.append((bare_ended - bare_began) / 1e6)
    bare.close()
    against = "one sqlite3 insert, WAL, synchronous=FULL"
    return compared("journal_commit", "ms", commits, inserts, against)


def _bare_database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE intents (id TEXT PRIMARY KEY, body TEXT)")
    return connection


def _order() -> Order:
    ids, now = IdSource(), time.time_ns()
    order_id = ids.hex32()
    return Order(
        order_id=order_id,
        request_id=ids.hex32(),
        client_order_id=client_order_id(order_id),
        symbol="BTC/USDT",
        side=Side.BUY,
        type=OrderType.LIMIT,
        amount=decimal("0.001"),
        price=decimal("30000"),
        time_in_force=TimeInForce.GTC,
        origin="bench",
        mode=Mode.LIVE,
        state=OrderState.SUBMITTED,
        created_ns=now,
        updated_ns=now,
    )
