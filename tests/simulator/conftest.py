"""A quiet simulator for tests that need no moving market."""

from collections.abc import AsyncIterator

import pytest

from tests.simulator.exchange_client import ExchangeClient, exchange
from tests.simulator.scripted_market import ScriptedMarket


@pytest.fixture
def market() -> ScriptedMarket:
    """A book at 64000/64001 in BTC/USDT and nothing else, until the test says more."""
    return ScriptedMarket()


@pytest.fixture
async def client(market: ScriptedMarket) -> AsyncIterator[ExchangeClient]:
    """A client of a simulator that plays ``market``."""
    async with exchange(market) as connected:
        yield connected
