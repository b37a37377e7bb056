"""Each exchange's client in turn, on the edge of the network."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cryptobot.trading.exchange_client import ExchangeClient
from tests.exchanges.edge import EVERY_EXCHANGE, Edge, client_of


@pytest.fixture
def edge() -> Edge:
    """What arrives at the exchange, and what it answers; Bybit's account is a unified one."""
    edge = Edge()
    edge.replies["/v5/user/query-api"] = {"retCode": 0, "result": {"uta": 1, "unified": 0}}
    edge.replies["/v5/account/info"] = {"retCode": 0, "result": {"unifiedMarginStatus": 6}}
    return edge


@pytest.fixture(params=EVERY_EXCHANGE)
async def client(
    request: pytest.FixtureRequest, edge: Edge, tmp_path: Path
) -> AsyncIterator[ExchangeClient]:
    """The client of each exchange; a test may name those it is about (``indirect``)."""
    async with client_of(request.param, edge, tmp_path) as client:
        yield client
