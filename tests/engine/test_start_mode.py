from dataclasses import replace

import pytest

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.errors import UserError
from cryptobot.domain.mode import Mode, ModeTrigger, TradingState
from cryptobot.engine.start_mode import Situation, decide
from cryptobot.journal.records import ModeChange, Run
from cryptobot.settings import StartMode

NOW = 1_700_000_000 * NS_PER_S
WAS_LIVE = ModeChange(1, Mode.PAPER, Mode.LIVE, ModeTrigger.OPERATOR, "went live", "ann")
WAS_PAPER = ModeChange(1, Mode.LIVE, Mode.PAPER, ModeTrigger.OPERATOR, "it burned", "ann")
FIRST = Situation(StartMode.RESUME, fenced=False, simulated=False, last=None, runs=(), now_ns=NOW)


def crash(seconds_ago: float, *, clean: bool = False) -> Run:
    return Run(NOW - int(seconds_ago * NS_PER_S), None, clean, 1, "0.1.0")


CRASHED = (crash(1), crash(100), crash(600))

TABLE: dict[str, tuple[Situation, Mode, ModeTrigger, str]] = {
    "first start": (FIRST, Mode.PAPER, ModeTrigger.START, "first start"),
    "resume paper": (
        replace(FIRST, last=WAS_PAPER),
        Mode.PAPER,
        ModeTrigger.START,
        "resumed: it burned",
    ),
    "resume live": (
        replace(FIRST, last=WAS_LIVE),
        Mode.LIVE,
        ModeTrigger.START,
        "resumed: went live",
    ),
    "fenced": (
        replace(FIRST, last=WAS_LIVE, fenced=True),
        Mode.PAPER,
        ModeTrigger.START,
        "the fence file PAPER_ONLY exists",
    ),
    "resume live on an exchange for paper only": (
        replace(FIRST, last=WAS_LIVE, live_refusal="kucoin trades on paper only"),
        Mode.PAPER,
        ModeTrigger.START,
        "kucoin trades on paper only",
    ),
    "always paper": (
        replace(FIRST, last=WAS_LIVE, start=StartMode.PAPER),
        Mode.PAPER,
        ModeTrigger.START,
        "mode.start is paper",
    ),
    "simulated live": (
        replace(FIRST, start=StartMode.LIVE, simulated=True),
        Mode.LIVE,
        ModeTrigger.START,
        "mode.start is live and the exchange is the simulator",
    ),
    "simulated live, last on paper": (
        replace(FIRST, start=StartMode.LIVE, simulated=True, last=WAS_PAPER),
        Mode.LIVE,
        ModeTrigger.START,
        "mode.start is live and the exchange is the simulator",
    ),
    "simulated live, fenced": (
        replace(FIRST, start=StartMode.LIVE, simulated=True, fenced=True),
        Mode.PAPER,
        ModeTrigger.START,
        "the fence file PAPER_ONLY exists",
    ),
    "live, exchange not asked": (
        replace(FIRST, start=StartMode.LIVE, simulated=None),
        Mode.PAPER,
        ModeTrigger.START,
        "mode.start is live, and the exchange could not be asked whether it is the simulator",
    ),
    "crash loop": (
        replace(FIRST, last=WAS_LIVE, runs=CRASHED),
        Mode.PAPER,
        ModeTrigger.CRASH_LOOP,
        "3 crashes in 10 minutes",
    ),
    "simulated crash loop": (
        replace(FIRST, start=StartMode.LIVE, simulated=True, runs=CRASHED),
        Mode.PAPER,
        ModeTrigger.CRASH_LOOP,
        "3 crashes in 10 minutes",
    ),
    "two crashes": (
        replace(FIRST, last=WAS_LIVE, runs=CRASHED[:2]),
        Mode.LIVE,
        ModeTrigger.START,
        "resumed: went live",
    ),
    "an old crash": (
        replace(FIRST, last=WAS_LIVE, runs=(*CRASHED[:2], crash(600.1))),
        Mode.LIVE,
        ModeTrigger.START,
        "resumed: went live",
    ),
    "orderly ends": (
        replace(FIRST, last=WAS_LIVE, runs=(*CRASHED[:2], crash(3, clean=True))),
        Mode.LIVE,
        ModeTrigger.START,
        "resumed: went live",
    ),
}


@pytest.mark.parametrize(("situation", "mode", "trigger", "reason"), TABLE.values(), ids=TABLE)
def test_decide_with_each_situation(
    situation: Situation, mode: Mode, trigger: ModeTrigger, reason: str
) -> None:
    decision = decide(situation)
    assert (decision.mode, decision.trigger, decision.reason) == (mode, trigger, reason)
    halted = TradingState.HALTED if mode is Mode.LIVE else TradingState.ACTIVE
    assert decision.trading_state is halted


@pytest.mark.parametrize("more", [{}, {"fenced": True}, {"runs": CRASHED}, {"last": WAS_LIVE}])
def test_decide_with_live_on_a_real_exchange_refuses_the_start(more: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"mode\.start: 'live'.*mode_switch\.py --mode=live"):
        decide(replace(FIRST, start=StartMode.LIVE, **more))  # type: ignore[arg-type]
