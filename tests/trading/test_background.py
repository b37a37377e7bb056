"""Work that nobody awaits: its errors are told, and a watch goes on after them."""

import asyncio
from typing import Any

import pytest

from cryptobot.trading.background import Alarm, in_background, repeat
from telemetry.testing import capture_logs


async def test_task_ended_by_an_error_is_told_by_its_name() -> None:
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))

    async def break_down() -> None:
        raise OSError("disk on fire")

    task = in_background(break_down(), "failover")
    await asyncio.wait([task])
    [context] = told
    assert "failover" in context["message"]
    assert str(context["exception"]) == "disk on fire"


async def test_task_that_is_cancelled_or_done_tells_nothing() -> None:
    told: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    endless = in_background(asyncio.sleep(3600), "endless")
    done = in_background(asyncio.sleep(0), "done")
    await done
    endless.cancel()
    await asyncio.wait([endless])
    assert told == []


async def test_watch_that_raises_looks_again_and_logs_each_error_once() -> None:
    looks = iter([OSError("a"), OSError("a"), OSError("b"), None, OSError("b")])
    over = asyncio.Event()

    async def look() -> None:
        error = next(looks, over)
        if error is over:
            over.set()
        elif isinstance(error, Exception):
            raise error

    with capture_logs() as logs:
        watch = in_background(repeat(0, look, "fence file"), "fence-file")
        async with asyncio.timeout(10):
            await over.wait()
        watch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watch
        lines = logs.of("watch_failed")
    assert [line["watch"] for line in lines] == ["fence file"] * 3
    assert ["OSError: a" in str(line) for line in lines] == [True, False, False]


async def test_alarm_ends_every_pause_at_once_and_the_next_one_lasts() -> None:
    alarm = Alarm()
    before = alarm.bell
    pauses = [asyncio.create_task(alarm.pause(3600)) for _ in range(2)]
    await asyncio.sleep(0)  # both have begun
    alarm.ring()
    async with asyncio.timeout(10):
        assert await asyncio.gather(*pauses) == [True, True]
        assert await alarm.pause(3600, before)
    assert not await alarm.pause(0)
