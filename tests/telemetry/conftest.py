"""Fixtures for the agent: metrics, a clock that is moved, logging into a temporary directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.clock import NS_PER_S
from telemetry.logs.setup import Logging, configure_logging
from telemetry.metrics import Metrics
from telemetry.redaction import Redactor


class MovedClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.wall = 1_795_219_200 * NS_PER_S  # 2026-11-21T00:00:00Z
        self.monotonic = 0

    def now_ns(self) -> int:
        return self.wall

    def monotonic_ns(self) -> int:
        return self.monotonic

    def advance(self, seconds: float) -> None:
        self.wall += round(seconds * NS_PER_S)
        self.monotonic += round(seconds * NS_PER_S)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


def some_metrics(clock: MovedClock | None = None) -> Metrics:
    return Metrics(
        version="1.2.3",
        exchanges=["binance", "kraken"],
        symbols=["BTC/USDT", "ETH/USDT"],
        currencies=["USDT"],
        channels=["book", "trades"],
        jobs=["clock_sync"],
        breakers=["binance:orders"],
        ccxt="4.5.90",
        clock=clock,
    )


@pytest.fixture
def metrics(clock: MovedClock) -> Metrics:
    return some_metrics(clock)


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
def logs(
    tmp_path: Path, metrics: Metrics, redactor: Redactor, clock: MovedClock
) -> Iterator[Logging]:
    logging = configure_logging(
        tmp_path / "logs",
        redactor=redactor,
        metrics=metrics,
        clock=clock,
        version="1.2.3",
        order_loggers=("shop.orders",),
    )
    yield logging
    logging.close()
