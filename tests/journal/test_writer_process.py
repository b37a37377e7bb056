"""The process that commits: it dies, it outlives the engine, it keeps no secrets."""

import asyncio
import fcntl
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.journal.frames import Frames, frame
from cryptobot.journal.hosts import ProcessHost
from cryptobot.journal.journal import Journal

from .conftest import RETRY_AFTER_S
from .samples import a_fill, an_order


def _pid(journal: Journal) -> int:
    host = journal._writer._host
    assert isinstance(host, ProcessHost)
    assert host.pid is not None
    return host.pid


@given(
    st.lists(st.one_of(st.text(), st.binary(max_size=300), st.integers())),
    st.lists(st.integers(1, 40), min_size=1),
)
def test_frames_with_any_cutting_give_the_same_messages(
    messages: list[object], cuts: list[int]
) -> None:
    stream = b"".join(map(frame, messages))
    frames, found, start, turn = Frames(), [], 0, 0
    while start < len(stream):
        end = start + cuts[turn % len(cuts)]
        found += frames.feed(stream[start:end])
        start, turn = end, turn + 1
    assert found == messages


async def test_writer_killed_with_records_in_flight_answers_each_and_another_takes_over(
    url: str, clock: ManualClock
) -> None:
    changes: list[tuple[bool, str | None]] = []
    async with Journal.open(url, clock=clock, retry_after_s=RETRY_AFTER_S) as journal:
        journal.on_availability(lambda available, reason: changes.append((available, reason)))
        await journal.record(an_order(), venue="x")
        first = _pid(journal)
        os.kill(first, signal.SIGSTOP)
        orders = [an_order() for _ in range(20)]
        futures = [journal.record(order, venue="x", fills=[a_fill()]) for order in orders]
        os.kill(first, signal.SIGKILL)
        results = await asyncio.gather(*futures, return_exceptions=True)
        assert all(isinstance(result, JournalUnavailable) for result in results)
        assert "ended by itself (exit -9)" in str(results[0])
        with pytest.raises(JournalUnavailable, match="ended by itself"):
            await journal.record(an_order(), venue="x")
        await journal.wait_available()
        assert _pid(journal) != first
        for order in orders:
            again = await journal.record(order, venue="x", fills=[a_fill()])
            assert (again.seq, again.duplicate) == (1, False)
        assert len(await journal.orders(limit=100)) == 21
    assert [available for available, _ in changes] == [False, True]


async def test_record_that_reached_the_disk_unheard_is_not_doubled_after_the_writer_died(
    url: str, clock: ManualClock
) -> None:
    async with Journal.open(url, clock=clock, retry_after_s=RETRY_AFTER_S) as journal:
        order = an_order()
        await journal.record(order, venue="x")
        back = asyncio.Event()
        journal.on_availability(lambda available, _: back.set() if available else None)
        os.kill(_pid(journal), signal.SIGKILL)
        await back.wait()
        assert (await journal.record(order, venue="x")).duplicate
        assert len(await journal.order_events(order.order_id)) == 1


async def test_writer_with_a_keyboard_interrupt_or_a_shutdown_signal_goes_on(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with Journal.open(f"sqlite:///{tmp_path}/cryptobot.db", clock=clock) as journal:
        await journal.record(an_order(), venue="x")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(_pid(journal), number)
        assert (await journal.record(an_order(), venue="x")).seq == 1
        assert journal.available


async def test_writer_is_given_no_secrets(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYPTOBOT_EXCHANGE__SECRET", "hunter2")
    url = f"sqlite:///{tmp_path}/cryptobot.db"
    async with Journal.open(url, clock=clock) as journal:
        await journal.record(an_order(), venue="x")
        process = Path(f"/proc/{_pid(journal)}")
        assert b"hunter2" not in (process / "environ").read_bytes()
        assert str(tmp_path).encode() not in (process / "cmdline").read_bytes()


async def test_writer_holds_what_it_was_handed_until_all_is_committed(
    tmp_path: Path, clock: ManualClock
) -> None:
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    url = f"sqlite:///{tmp_path}/cryptobot.db"
    journal = Journal.open(url, clock=clock, keep_open=(lock,))
    await journal.start()
    await journal.record(an_order(), venue="x")
    os.close(lock)  # as when the engine is killed
    other = os.open(tmp_path / "lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    await journal.close()
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
