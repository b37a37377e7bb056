import pytest

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.limits import RateLimits
from cryptobot.simulator.wire_error import WireError

MINUTE_START_NS = 1_790_000_040 * NS_PER_S


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MINUTE_START_NS + 15 * NS_PER_S)


@pytest.fixture
def limits(clock: ManualClock) -> RateLimits:
    return RateLimits(LimitSettings(weight_a_minute=10, orders_in_10_s=2, orders_a_day=3), clock)


def test_weight_above_the_limit_is_refused_until_the_minute_ends(
    limits: RateLimits, clock: ManualClock
) -> None:
    limits.spend_weight(10)
    with pytest.raises(WireError) as error:
        limits.spend_weight(1)
    assert (error.value.code, error.value.status, error.value.retry_after_s) == (-1003, 429, 45)
    clock.advance(45 * NS_PER_S)
    limits.spend_weight(10)
    assert limits.weight_headers()["X-MBX-USED-WEIGHT-1M"] == "10"


def test_orders_above_the_limit_are_refused_until_the_window_ends(
    limits: RateLimits, clock: ManualClock
) -> None:
    limits.spend_order()
    limits.spend_order()
    with pytest.raises(WireError) as error:
        limits.spend_order()
    assert (error.value.code, error.value.status, error.value.retry_after_s) == (-1015, 429, 5)
    clock.advance(5 * NS_PER_S)
    limits.spend_order()
    clock.advance(10 * NS_PER_S)
    with pytest.raises(WireError, match="3 orders per 1 DAY"):
        limits.spend_order()


def test_filled_order_gives_its_count_back(limits: RateLimits) -> None:
    limits.spend_order()
    limits.spend_order()
    limits.order_filled()
    limits.spend_order()
    assert limits.order_headers() == {"X-MBX-ORDER-COUNT-10S": "2", "X-MBX-ORDER-COUNT-1D": "2"}
