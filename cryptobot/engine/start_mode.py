"""In which mode an engine starts: a table of rules, first match counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptobot.control.protocol import FENCE_NAME
from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.errors import UserError
from cryptobot.domain.mode import Mode, ModeTrigger, TradingState
from cryptobot.journal.records import ModeChange, Run
from cryptobot.settings import StartMode

CRASHES: Final = 3
CRASH_WINDOW_S: Final = 600


@dataclass(frozen=True, slots=True)
class Situation:
    """What the decision depends on.

    Attributes:
        start: The setting ``mode.start``.
        fenced: Whether the fence file exists.
        simulated: Whether the exchange is the simulator; ``None``: it could not be asked.
        last: The last acknowledged mode, ``None`` at the first start.
        runs: Earlier runs, newest first.
        now_ns: UTC nanoseconds.
        live_refusal: Why the exchange may not trade live at all, if so.
    """

    start: StartMode
    fenced: bool
    simulated: bool | None
    last: ModeChange | None
    runs: Sequence[Run]
    now_ns: int
    live_refusal: str | None = None


@dataclass(frozen=True, slots=True)
class StartDecision:
    """The mode to start in and why."""

    mode: Mode
    trading_state: TradingState
    trigger: ModeTrigger
    reason: str


def decide(situation: Situation) -> StartDecision:
    """Return the mode to start in.

    Raises:
        UserError: ``mode.start`` is ``live`` and the exchange is not the simulator.
    """
    if situation.start is StartMode.LIVE and situation.simulated is False:
        raise UserError(
            "mode.start: 'live' is taken only when the exchange is the simulator; start on "
            "'resume' or 'paper' and go live with ops/mode_switch.py --mode=live"
        )
    if situation.live_refusal is not None:
        return _paper(ModeTrigger.START, situation.live_refusal)
    crashes = _recent_crashes(situation)
    if crashes >= CRASHES:
        return _paper(
            ModeTrigger.CRASH_LOOP, f"{crashes} crashes in {CRASH_WINDOW_S // 60} minutes"
        )
    if situation.fenced:
        return _paper(ModeTrigger.START, f"the fence file {FENCE_NAME} exists")
    if situation.start is StartMode.PAPER:
        return _paper(ModeTrigger.START, "mode.start is paper")
    if situation.start is StartMode.LIVE and situation.simulated is None:
        return _paper(
            ModeTrigger.START,
            "mode.start is live, and the exchange could not be asked whether it is the simulator",
        )
    if situation.start is StartMode.LIVE:
        return _live("mode.start is live and the exchange is the simulator")
    if situation.last is None:
        return _paper(ModeTrigger.START, "first start")
    if situation.last.to_mode is Mode.LIVE:
        return _live(f"resumed: {situation.last.reason}")
    return _paper(ModeTrigger.START, f"resumed: {situation.last.reason}")


def _recent_crashes(situation: Situation) -> int:
    horizon = situation.now_ns - CRASH_WINDOW_S * NS_PER_S
    return sum(not run.clean and run.started_ns >= horizon for run in situation.runs)


def _paper(trigger: ModeTrigger, reason: str) -> StartDecision:
    return StartDecision(Mode.PAPER, TradingState.ACTIVE, trigger, reason)


def _live(reason: str) -> StartDecision:
    return StartDecision(Mode.LIVE, TradingState.HALTED, ModeTrigger.START, reason)
