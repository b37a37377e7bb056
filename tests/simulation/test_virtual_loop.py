"""The loop in virtual time: asyncio as it is, and the clock jumps."""

import asyncio
import time

import pytest

from .virtual_loop import Deadlock, VirtualClock, VirtualLoop


def test_sleep_takes_virtual_time_and_no_real() -> None:
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    before_ns, really_s = clock.now_ns(), time.monotonic()
    loop.run_until_complete(asyncio.sleep(86_400))
    assert clock.now_ns() - before_ns == 86_400 * 10**9 == clock.monotonic_ns()
    assert time.monotonic() - really_s < 3600
    loop.close()


def test_timeouts_and_waits_run_in_virtual_time() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        times = []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(50)
        times.append(loop.time())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 2)
        times.append(loop.time())
        _, late = await asyncio.wait({asyncio.ensure_future(asyncio.sleep(9))}, timeout=1)
        times.append(loop.time())
        for task in late:
            task.cancel()
        return times

    loop = VirtualLoop()
    assert loop.run_until_complete(main()) == [5.0, 7.0, 8.0]
    loop.close()


def test_work_for_a_thread_runs_on_the_loop_after_its_delay() -> None:
    async def main() -> tuple[float, int]:
        found = await asyncio.to_thread(int, "7")
        return asyncio.get_running_loop().time(), found

    loop = VirtualLoop()
    loop.thread_delay_s = lambda: 0.25
    assert loop.run_until_complete(main()) == (0.25, 7)
    with pytest.raises(ValueError, match="seven"):
        loop.run_until_complete(asyncio.to_thread(int, "seven"))
    loop.close()


def test_ready_callbacks_run_in_order_and_timers_by_time() -> None:
    loop = VirtualLoop()
    seen: list[str] = []
    loop.call_later(2, seen.append, "2 s")
    loop.call_later(1, seen.append, "1 s")
    loop.call_later(1, seen.append, "cancelled").cancel()
    loop.call_soon(seen.append, "now")
    loop.call_soon(seen.append, "then")
    loop.call_later(3, loop.stop)
    loop.run_forever()
    assert seen == ["now", "then", "1 s", "2 s"]
    loop.close()


def test_rest_is_told_of_once_everything_at_an_instant_has_happened() -> None:
    loop = VirtualLoop()
    seen: list[str] = []
    loop.at_rest = lambda: seen.append(f"rest {loop.time()}")
    loop.call_soon(seen.append, "a")
    loop.call_soon(seen.append, "b")
    loop.call_later(1, seen.append, "c")
    loop.call_later(1, loop.stop)
    loop.run_forever()
    assert seen == ["a", "b", "rest 0.0", "c"]
    loop.close()


def test_nothing_to_wait_for_is_a_deadlock() -> None:
    loop = VirtualLoop()
    with pytest.raises(Deadlock):
        loop.run_until_complete(loop.create_future())
    loop.close()
