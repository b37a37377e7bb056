from dataclasses import replace
from datetime import date
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

from cryptobot.domain.mode import Mode
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import DayStart

from .samples import T0

START = DayStart(Mode.LIVE, date(2023, 11, 14), T0, D("1000.50"), {"BTC/USDT": D("-0.1")})


async def test_last_day_is_the_newest_of_its_mode(journal: Journal) -> None:
    assert await journal.last_day(Mode.LIVE) is None
    later = replace(START, day=date(2023, 12, 1), equity=None)
    for start in (later, START, replace(START, mode=Mode.PAPER)):
        await journal.record_day(start)
    assert await journal.last_day(Mode.LIVE) == later
    assert await journal.last_day(Mode.PAPER) == replace(START, mode=Mode.PAPER)


async def test_day_begun_anew_replaces_its_beginning(journal: Journal) -> None:
    anew = replace(START, at_ns=T0 + 9, profit={})
    for start in (START, anew, anew):
        await journal.record_day(start)
    assert await journal.last_day(Mode.LIVE) == anew
