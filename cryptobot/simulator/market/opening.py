"""Chooses the market by what ``--market`` says, and a file by what it holds."""

from pathlib import Path

from cryptobot.simulator.market.binance_replay import BinanceReplay
from cryptobot.simulator.market.candle_replay import CandleReplay
from cryptobot.simulator.market.feed import MarketFeed
from cryptobot.simulator.market.generated import GeneratedMarket
from cryptobot.simulator.market.recording import Recording, recognise

GENERATED = "generated"


def open_market(name: str, seed: int) -> MarketFeed:
    """Return the market that ``name`` means.

    Args:
        name: ``generated``, or the path of a recording.
        seed: Of the generated market, and of what an OHLCV file leaves open.

    Raises:
        UserError: The file cannot be used; the message says why.
    """
    if name == GENERATED:
        return GeneratedMarket(seed)
    path = Path(name)
    if recognise(path) is Recording.BINANCE_STREAM:
        return BinanceReplay(path)
    return CandleReplay(path, seed)
