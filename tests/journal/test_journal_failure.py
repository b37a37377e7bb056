"""The database does not take a record: said once, nothing lost, nothing doubled."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import RecordRefused

from .conftest import RETRY_AFTER_S
from .postgres_server import PostgresServer
from .samples import a_fill, an_order


def _open(url: str, clock: ManualClock, *, inline: bool = False) -> Journal:
    return Journal.open(
        url, clock=clock, busy_timeout_ms=50, retry_after_s=RETRY_AFTER_S, inline=inline
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_record_with_a_locked_file_fails_the_batch_and_recovers_by_itself(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "cryptobot.db"
    changes: list[tuple[bool, str | None]] = []
    async with _open(f"sqlite:///{path}", clock) as journal:
        journal.on_availability(lambda available, reason: changes.append((available, reason)))
        before = an_order()
        await journal.record(before, venue="x")
        lost = [an_order(), an_order()]
        with _locked(path):
            futures = [journal.record(order, venue="x", fills=[a_fill()]) for order in lost]
            results = await asyncio.gather(*futures, return_exceptions=True)
            assert all(isinstance(result, JournalUnavailable) for result in results)
            assert "database is locked" in str(results[0])
            assert not journal.available
            assert "database is locked" in str(journal.unavailable_reason)
            with pytest.raises(JournalUnavailable, match="database is locked"):
                await journal.record(an_order(), venue="x")
            assert await journal.orders() == [before]
        await journal.wait_available()
        for order in lost:
            again = await journal.record(order, venue="x", fills=[a_fill()])
            assert (again.seq, again.duplicate, len(again.new_fills)) == (1, False, 1)
        assert {order.order_id for order in await journal.orders()} == {
            order.order_id for order in [before, *lost]
        }
        assert [available for available, _ in changes] == [False, True]
        assert journal.status().queued == 0


async def test_start_with_a_locked_new_file_says_so(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "cryptobot.db"
    with _locked(path):
        journal = _open(f"sqlite:///{path}", clock)
        with pytest.raises(JournalUnavailable, match=r"database is locked.*cryptobot\.db"):
            await journal.start()
        await journal.close()


async def test_start_with_an_impossible_folder_says_so(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").touch()
    journal = _open(f"sqlite:///{tmp_path}/file/cryptobot.db", clock)
    with pytest.raises(JournalUnavailable, match="cannot be opened"):
        await journal.start()
    await journal.close()


async def test_record_refused_halfway_leaves_no_part_of_it(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "cryptobot.db"
    async with _open(f"sqlite:///{path}", clock) as journal:
        order = an_order()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            # The fills come after the event and the view; FAIL by itself undoes nothing.
            other.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON fills BEGIN SELECT RAISE(FAIL, 'no'); END"
            )
            with pytest.raises(RecordRefused):
                await journal.record(order, venue="x", fills=[a_fill()])
            assert await journal.order_events(order.order_id) == []
            assert await journal.order(order.order_id) is None
            other.execute("DROP TRIGGER refuse")
        assert (await journal.record(order, venue="x", fills=[a_fill()])).seq == 1


async def test_record_with_a_read_only_sqlite_database_fails_and_recovers(
    tmp_path: Path, clock: ManualClock
) -> None:
    # Root may write anywhere, so the connection itself is made read-only: here, not in a process.
    async with _open(f"sqlite:///{tmp_path}/cryptobot.db", clock, inline=True) as journal:
        engine = journal._database.writer

        def make_read_only(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA query_only=ON")

        event.listen(engine, "checkout", make_read_only)
        order = an_order()
        with pytest.raises(JournalUnavailable, match="readonly"):
            await journal.record(order, venue="x")
        assert not journal.available
        event.remove(engine, "checkout", make_read_only)
        await journal.wait_available()
        assert (await journal.record(order, venue="x")).seq == 1


async def test_record_with_a_read_only_postgresql_fails_and_recovers(
    postgres: PostgresServer, clock: ManualClock
) -> None:
    url = postgres.new_database()

    def switch(value: str) -> None:
        options = "-c default_transaction_read_only=off"
        with psycopg.connect(url, autocommit=True, options=options) as admin:
            row = admin.execute("SELECT quote_ident(current_database())").fetchone()
            assert row is not None
            admin.execute(f"ALTER DATABASE {row[0]} SET default_transaction_read_only = {value}")
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    async with _open(url, clock) as journal:
        await asyncio.to_thread(switch, "on")
        order = an_order()
        for _ in range(2):  # the first finds its connection cut, the next the refusal
            with pytest.raises(JournalUnavailable):
                await journal.record(order, venue="x")
        assert not journal.available
        await asyncio.to_thread(switch, "off")
        await journal.wait_available()
        assert (await journal.record(order, venue="x")).seq == 1


async def test_close_while_unavailable_ends_at_once(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "cryptobot.db"
    journal = Journal.open(
        f"sqlite:///{path}", clock=clock, busy_timeout_ms=1, retry_after_s=(3_600,)
    )
    await journal.start()
    with _locked(path):
        with pytest.raises(JournalUnavailable):
            await journal.record(an_order(), venue="x")
        waiter = asyncio.ensure_future(journal.wait_available())
        await asyncio.sleep(0)
        await asyncio.wait_for(journal.close(), timeout=30)
        with pytest.raises(JournalUnavailable, match="closed"):
            await waiter


async def test_record_with_postgresql_crashed_fails_and_recovers_with_nothing_lost(
    postgres: PostgresServer, clock: ManualClock
) -> None:
    async with _open(postgres.new_database(), clock) as journal:
        kept = [an_order() for _ in range(20)]
        await asyncio.gather(*(journal.record(order, venue="x") for order in kept))
        await asyncio.to_thread(postgres.stop, "immediate")
        lost = an_order()
        try:
            with pytest.raises(JournalUnavailable):
                await journal.record(lost, venue="x")
            assert not journal.available
            with pytest.raises(JournalUnavailable):
                await journal.orders()
        finally:
            await asyncio.to_thread(postgres.start)
        await journal.wait_available()
        assert (await journal.record(lost, venue="x")).seq == 1
        found = {order.order_id for order in await journal.orders(limit=100)}
        assert found == {order.order_id for order in [*kept, lost]}


async def test_start_with_no_server_says_so_without_the_password(clock: ManualClock) -> None:
    journal = _open("postgresql://cb:hunter2@127.0.0.1:1/none", clock)
    with pytest.raises(JournalUnavailable, match="cannot be opened") as caught:
        await journal.start()
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    await journal.close()
