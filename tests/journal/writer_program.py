"""Writes orders until it dies, printing each id once its record is acknowledged.

Usage: python writer_program.py URL SEED [FILE-SIZE-LIMIT]
"""

import asyncio
import random
import resource
import sys
from dataclasses import replace
from decimal import Decimal

from cryptobot.domain.clock import SystemClock
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.ids import IdSource, client_order_id
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import (
    Fill,
    Liquidity,
    Order,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)
from cryptobot.journal.hosts import ProcessHost
from cryptobot.journal.journal import Journal


async def trade(journal: Journal, rng: random.Random) -> None:
    """Take orders from intent to fill, one after the other."""
    ids = IdSource(rng)
    while True:
        order_id = ids.hex32()
        price = Decimal(rng.randrange(1, 10**8)) / 100
        order = Order(
            order_id, ids.hex32(), client_order_id(order_id), "BTC/USDT", Side.BUY,
            OrderType.LIMIT, Decimal(1), price, TimeInForce.GTC, "manual", Mode.LIVE,
            OrderState.SUBMITTED, 1, 1,
        )  # fmt: skip
        fill = Fill(
            order_id[:9], "1", None, "BTC/USDT", Side.BUY, price, Decimal(1), Decimal(0),
            "USDT", Liquidity.TAKER, 2,
        )  # fmt: skip
        await journal.record(order, venue="x")
        print(f"{order_id} submitted", flush=True)  # noqa: T201 - the parent reads it
        done = replace(order, state=OrderState.FILLED, filled=Decimal(1), updated_ns=2)
        await journal.record(done, venue="x", fills=[fill])
        print(f"{order_id} filled", flush=True)  # noqa: T201 - as above


def _limit_files(journal: Journal, limit: int) -> None:
    host = journal._writer._host
    assert isinstance(host, ProcessHost)
    assert host.pid is not None
    resource.prlimit(host.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


async def main(url: str, seed: int, limit: int | None) -> None:
    """Run eight traders; with a limit, let the disk be full from that file size on."""
    async with Journal.open(url, clock=SystemClock(), retry_after_s=(0.01,)) as journal:
        if limit is not None:
            _limit_files(journal, limit)
        traders = [trade(journal, random.Random(seed * 100 + n)) for n in range(8)]
        try:
            await asyncio.gather(*traders)
        except JournalUnavailable as error:
            _limit_files(journal, resource.RLIM_INFINITY)
            await journal.wait_available()
            print(f"recovered from: {error}", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else None))
