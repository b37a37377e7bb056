import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.journal.journal import Journal
from tests.counterparts import not_here

from .postgres_server import PostgresServer, binaries

RETRY_AFTER_S = (0.01,)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    home = binaries()
    if home is None:
        not_here("PostgreSQL's initdb is not installed (apt install postgresql)")
    server = PostgresServer.create(home)
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/cryptobot.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def journal(url: str, clock: ManualClock) -> AsyncIterator[Journal]:
    async with Journal.open(url, clock=clock, retry_after_s=RETRY_AFTER_S) as opened:
        yield opened


@pytest.fixture
def exactness_loop(
    url: str, clock: ManualClock
) -> Iterator[tuple[asyncio.AbstractEventLoop, Journal]]:
    """A loop and a journal that outlive one Hypothesis example."""
    with asyncio.Runner() as runner:
        journal = Journal.open(url, clock=clock)
        runner.run(journal.start())
        yield runner.get_loop(), journal
        runner.run(journal.close())
