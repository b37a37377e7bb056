"""How the order path is: one line for each thing that can go wrong. Pure.

==================  ===========================  ==================================================
check               well                         not well
==================  ===========================  ==================================================
Circuit breakers    closed                       half open (warn), open (bad)
Unresolved orders   none                         their number (warn)
Dead letters        none                         their number (bad)
Reconciliation      clean, repaired              mismatch (warn), failed (bad)
Failover            armed; on paper (quiet)      will fall back soon (warn), fell back (bad),
                                                 off (warn)
Way to live         clear; live (quiet)          blocked (warn)
Engine              ok                           degraded (warn), critical (bad)
==================  ===========================  ==================================================
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderState
from cryptobot.gui import figures
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.order_path import CLOSED, HALF_OPEN, OPEN, Breaker, Trigger, in_words
from cryptobot.gui.reported import ReportedOrder, instant
from cryptobot.gui.state import EngineState
from cryptobot.gui.wire_values import Malformed


class Subject(StrEnum):
    """What is checked."""

    BREAKERS = "Circuit breakers"
    UNRESOLVED = "Unresolved orders"
    LETTERS = "Dead letters"
    RECONCILIATION = "Reconciliation"
    FAILOVER = "Failover"
    LIVE = "Way to live"
    ENGINE = "Engine"


class Tone(StrEnum):
    """How it is; the values are roles of the style sheet."""

    GOOD = "good"
    QUIET = "muted"
    WARN = "warn"
    BAD = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One line.

    Attributes:
        word: The verdict.
        summary: What is behind it; empty where the verdict says all.
    """

    subject: Subject
    word: str
    tone: Tone
    summary: str = ""


def checks(state: EngineState, now: float) -> tuple[Check, ...]:
    """Return every check in the order of ``Subject``; ``now`` in seconds since the epoch.

    Nothing is claimed before the engine has spoken.
    """
    status = state.status
    if status is None:
        return tuple(Check(subject, "unknown", Tone.QUIET) for subject in Subject)
    newest = state.dead_letters[0].reason if state.dead_letters else ""
    return (
        breakers_check(status.breakers, now),
        _unresolved(unresolved_of(state.orders.values()), now),
        _letters(status.dead_letters, newest),
        reconciliation_check(status, now),
        failover_check(status, now),
        _live(status),
        _engine(status),
    )


def unresolved_of(orders: Iterable[ReportedOrder]) -> list[ReportedOrder]:
    """Return the orders whose outcome is unknown, the oldest first."""
    found = [order for order in orders if order.state is OrderState.UNRESOLVED]
    return sorted(found, key=lambda order: order.created)


def breaker_words(breaker: Breaker, now: float) -> str:
    """Return where a breaker stands, and until when."""
    if breaker.state != OPEN:
        return in_words(breaker.state)
    left = breaker.probes_in_s
    return f"Open for another {left:.0f} s, until {figures.clock(round(now + left))}"


_BREAKER_TONES: Final = {CLOSED: Tone.GOOD, HALF_OPEN: Tone.WARN}


def breaker_tone(state: str) -> Tone:
    """Return how bad a breaker's state is; one that is not known is bad."""
    return _BREAKER_TONES.get(state, Tone.BAD)


def breakers_check(breakers: tuple[Breaker, ...], now: float) -> Check:
    """Return the check of the worst of ``breakers``."""
    if not breakers:
        return Check(Subject.BREAKERS, "unknown", Tone.QUIET)
    severity = list(Tone)
    worst = max(breakers, key=lambda each: severity.index(breaker_tone(each.state)))
    told = [_brief(each, now) for each in breakers if each.state != CLOSED]
    word = worst.state.replace("_", " ")
    return Check(Subject.BREAKERS, word, breaker_tone(worst.state), "; ".join(told))


def _brief(breaker: Breaker, now: float) -> str:
    group = in_words(breaker.group)
    if breaker.state != OPEN:
        return f"{group} {breaker.state.replace('_', ' ')}"
    return f"{group} until {figures.clock(round(now + breaker.probes_in_s))}"


def _unresolved(orders: list[ReportedOrder], now: float) -> Check:
    if not orders:
        return Check(Subject.UNRESOLVED, "none", Tone.GOOD)
    waited = figures.age(max(0.0, now - orders[0].created))
    return Check(Subject.UNRESOLVED, f"{len(orders):,}", Tone.WARN, f"the oldest for {waited}")


def _letters(number: int, newest: str) -> Check:
    if not number:
        return Check(Subject.LETTERS, "none", Tone.GOOD)
    return Check(Subject.LETTERS, f"{number:,}", Tone.BAD, newest or "wait for a person")


_RUN_TONES: Final = {"clean": Tone.GOOD, "repaired": Tone.GOOD, "mismatch": Tone.WARN}


def reconciliation_check(status: EngineStatus, now: float) -> Check:
    """Return the check of the last reconciliation."""
    run = status.reconciled
    if run is None:
        return Check(Subject.RECONCILIATION, "not yet", Tone.QUIET)
    try:
        at = figures.day_and_clock(instant(run.at), now)
    except Malformed:
        at = run.at
    tone = _RUN_TONES.get(run.outcome, Tone.BAD)
    told = f"at {at}"
    if tone is Tone.BAD:
        told = f"the exchange could not be read {told}"
    elif run.differences:
        noun = "difference" if run.differences == 1 else "differences"
        told = f"{run.differences} {noun} {told}"
    return Check(Subject.RECONCILIATION, run.outcome, tone, told)


def failover_check(status: EngineStatus, now: float) -> Check:
    """Return whether the engine would fall back to paper by itself, or has."""
    failover = status.failover
    if failover.fell_back:
        at = failover.last_at
        when = "" if at is None else f"at {figures.day_and_clock(at, now)}: "
        return Check(Subject.FAILOVER, "fell back", Tone.BAD, f"{when}{failover.last}")
    if not failover.enabled:
        return Check(Subject.FAILOVER, "off", Tone.WARN, "switched off by failover.enabled")
    soon = soonest(failover.triggers)
    if failover.armed and soon is not None:
        words = f"{in_words(soon.name)}: to paper if it lasts"
        return Check(Subject.FAILOVER, trigger_word(soon), Tone.WARN, words)
    if failover.armed:
        off = sum(not trigger.on for trigger in failover.triggers)
        told = f"{len(failover.triggers) - off} triggers on" + (f", {off} off" if off else "")
        return Check(Subject.FAILOVER, "armed", Tone.GOOD, told)
    return Check(Subject.FAILOVER, "on paper", Tone.QUIET, "armed again when live")


def soonest(triggers: Iterable[Trigger]) -> Trigger | None:
    """Return the trigger that is met next if its trouble lasts, ``None`` without trouble."""
    waiting = [each for each in triggers if each.on and each.holds_in_s is not None]
    return min(waiting, key=lambda each: each.holds_in_s or 0.0, default=None)


def trigger_word(trigger: Trigger) -> str:
    """Return where a trigger stands."""
    if not trigger.on:
        return "off"
    if trigger.holds:
        return "met"
    return "not met" if trigger.holds_in_s is None else f"in {trigger.holds_in_s:.0f} s"


def trigger_tone(trigger: Trigger) -> Tone:
    """Return how bad it is where a trigger stands."""
    if not trigger.on:
        return Tone.QUIET
    if trigger.holds:
        return Tone.BAD
    return Tone.GOOD if trigger.holds_in_s is None else Tone.WARN


def _live(status: EngineStatus) -> Check:
    if status.mode is Mode.LIVE:
        return Check(Subject.LIVE, "live", Tone.QUIET)
    if not status.live_blockers:
        return Check(Subject.LIVE, "clear", Tone.GOOD, "a reconciliation decides at last")
    number = len(status.live_blockers)
    more = f" (+{number - 1})" if number > 1 else ""
    return Check(Subject.LIVE, "blocked", Tone.WARN, f"{status.live_blockers[0]}{more}")


_HEALTH_TONES: Final = {"ok": Tone.GOOD, "degraded": Tone.WARN}


def health_tone(status: str) -> Tone:
    """Return how bad a component's health is; one that is not known is bad."""
    return _HEALTH_TONES.get(status, Tone.BAD)


def _engine(status: EngineStatus) -> Check:
    ill = [f"{each.name}: {each.detail}" for each in status.components if each.status != "ok"]
    return Check(Subject.ENGINE, status.health, health_tone(status.health), "; ".join(ill))
