from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.mode import Mode
from cryptobot.journal.journal import Journal
from cryptobot.trading.risk import Risk

from .order_path import LIMITS, OrderPath


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def journal(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Journal]:
    url = f"sqlite:///{tmp_path}/cryptobot.db"
    opened = Journal.open(url, clock=clock, busy_timeout_ms=20, retry_after_s=(0.01,))
    async with opened:
        yield opened


@pytest.fixture
async def path(journal: Journal, tmp_path: Path, clock: ManualClock) -> AsyncIterator[OrderPath]:
    built = OrderPath(journal, tmp_path, clock)
    yield built
    await built.gateway.close(0)
    await built.orders.drain()


@pytest.fixture
def limit_risk(path: OrderPath) -> Callable[..., None]:
    """Put other limits in force."""

    def limit(**changes: object) -> None:
        limits = replace(LIMITS, **changes)  # type: ignore[arg-type]
        path.risk.update({mode: Risk(limits, path.clock) for mode in Mode})

    return limit
