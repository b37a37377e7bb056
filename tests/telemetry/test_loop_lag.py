import asyncio

from telemetry.clock import NS_PER_S
from telemetry.loop_lag import LoopLag
from telemetry.metrics import Metrics
from telemetry.testing import sample
from tests.telemetry.conftest import MovedClock


def test_loop_lag_with_late_wake_ups_is_observed_and_the_worst_remembered(
    metrics: Metrics,
) -> None:
    lag = LoopLag(metrics, interval_s=0.25)
    for elapsed in (0.25, 0.5, 0.2):
        lag.record(round(elapsed * NS_PER_S))
    assert lag.worst_s == 0.25
    assert sample(metrics, "cryptobot_event_loop_lag_seconds_count") == 3
    assert sample(metrics, "cryptobot_event_loop_lag_seconds_sum") == 0.25
    assert sample(metrics, "cryptobot_event_loop_lag_seconds_bucket", le="0.0001") == 2


def test_loop_lag_without_beats_is_zero(metrics: Metrics) -> None:
    assert LoopLag(metrics).worst_s == 0.0


async def test_loop_lag_while_running_shows_the_heartbeat(
    metrics: Metrics, clock: MovedClock
) -> None:
    lag = LoopLag(metrics, clock, interval_s=0)
    task = asyncio.create_task(lag.run())
    name = "cryptobot_heartbeat_timestamp_seconds"
    while sample(metrics, name) == 0:  # noqa: ASYNC110 - lets the task under test run
        await asyncio.sleep(0)
    assert sample(metrics, name) == clock.now_ns() / NS_PER_S
    clock.advance(2)
    while lag.worst_s < 2:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
