from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

from cryptobot.domain.clock import ManualClock
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import BalanceBaseline

from .samples import T0

FIRST = BalanceBaseline(T0, {"BTC": D("0.10000000"), "USDT": D("1e5")}, {"USDT": D("-3.5")})


async def test_last_baseline_is_the_one_written_last_and_exact(journal: Journal) -> None:
    assert await journal.last_baseline() is None
    await journal.record_baseline(FIRST)
    await journal.record_baseline(FIRST)  # a resubmission
    assert await journal.last_baseline() == FIRST
    earlier = BalanceBaseline(T0 - 1, {}, {})  # the clock stepped back
    await journal.record_baseline(earlier)
    assert await journal.last_baseline() == earlier


async def test_last_baseline_survives_a_restart(url: str, clock: ManualClock) -> None:
    async with Journal.open(url, clock=clock) as journal:
        await journal.record_baseline(FIRST)
    async with Journal.open(url, clock=clock) as journal:
        assert await journal.last_baseline() == FIRST
