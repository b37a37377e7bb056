"""The market as the engine fans it out."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.market import Book, Candle, PublicTrade
from cryptobot.domain.order import Side
from cryptobot.trading.market_data import MarketData, MarketEvent
from telemetry.testing import capture_logs

SYMBOL = "BTC/USDT"


class Trades:
    """A market in which there are only the trades a test puts in."""

    def __init__(self) -> None:
        self.trades: asyncio.Queue[PublicTrade] = asyncio.Queue()

    async def watch_trades(self, _: str) -> AsyncIterator[PublicTrade]:
        while True:
            yield await self.trades.get()

    async def watch_book(self, _: str) -> AsyncIterator[Book]:
        await asyncio.Event().wait()
        yield Book(SYMBOL, (), (), 0)

    async def watch_candles(self, symbol: str, _: str) -> AsyncIterator[Candle]:
        await asyncio.Event().wait()
        yield Candle(symbol, "1m", 0, D(1), D(1), D(1), D(1), D(1))

    async def candles(self, _: str, __: str, ___: int) -> list[Candle]:
        return []


async def test_listener_that_raises_ends_neither_the_stream_nor_the_other_listeners() -> None:
    source = Trades()
    market = MarketData(source, [SYMBOL], "1m", ManualClock())
    heard: asyncio.Queue[MarketEvent] = asyncio.Queue()

    def broken(_: MarketEvent) -> None:
        raise KeyError("a strategy of somebody")

    market.listen(broken)
    market.listen(heard.put_nowait)
    with capture_logs() as logs:
        market.start()
        for number in range(2):
            source.trades.put_nowait(PublicTrade(SYMBOL, str(number), Side.BUY, D(5), D(1), 0))
        async with asyncio.timeout(10):
            ids = [(await heard.get()) for _ in range(2)]
        await market.close()
        assert len(logs.of("market_event_unusable")) == 2
    assert [getattr(event, "trade_id", "") for event in ids] == ["0", "1"]
    assert market.last(SYMBOL) == 5
