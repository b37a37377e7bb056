"""The pages of the health panel: which columns, and what is said of a row."""

import re
import time
from typing import Final

from PySide6.QtWidgets import QPushButton

from cryptobot.gui import figures
from cryptobot.gui.engine_status import Component
from cryptobot.gui.health_checks import (
    Check,
    Subject,
    breaker_tone,
    breaker_words,
    health_tone,
    trigger_tone,
    trigger_word,
)
from cryptobot.gui.models.columns import Column
from cryptobot.gui.models.order_columns import side_ink, side_text
from cryptobot.gui.order_path import OPEN, Breaker, DeadLetter, Finding, Trigger, in_words
from cryptobot.gui.reported import ReportedOrder
from cryptobot.gui.views.health_page import HealthPage

CHECK_COLUMNS: tuple[Column[Check], ...] = (
    Column("Check", lambda c: c.subject.value, "Unresolved orders"),
    Column("State", lambda c: c.word, "MISMATCH WW"),
    Column("", lambda c: c.summary, "Orders until 00:00:00", rank=1),
)
CHIP = 1
"""The column of the verdict."""

_FIGURES: Final = re.compile(r"\d+")
"""What counts on in words that stay the same."""


def check_tip(check: Check) -> str:
    """Return a check whole."""
    return f"{check.subject.value}: {check.word}\n{check.summary}".strip()


_BREAKER_COLUMNS: tuple[Column[Breaker], ...] = (
    Column("Breaker", lambda b: in_words(b.group), "Orders"),
    Column("State", lambda b: b.state, "HALF OPEN WW"),
    Column("Failed in a row", lambda b: f"{b.failures:,}", "100", figures=True, rank=2),
    Column(
        "Probes in",
        lambda b: f"{b.probes_in_s:.0f} s" if b.state == OPEN else figures.NONE,
        "1,000 s",
        figures=True,
        rank=1,
    ),
    Column("Last failure", lambda b: b.last_failure or figures.NONE, "", rank=3),
)


def _breaker_told(breaker: Breaker) -> str:
    words = f"{in_words(breaker.group)}: {breaker_words(breaker, time.time()).lower()}."
    return f"{words} Last failure: {breaker.last_failure}" if breaker.last_failure else words


_UNRESOLVED_COLUMNS: tuple[Column[ReportedOrder], ...] = (
    Column("Since", lambda o: figures.clock(o.created), "00:00:00", figures=True),
    Column("Symbol", lambda o: o.symbol, "DOGE/USDT"),
    Column(
        "Side",
        lambda o: side_text(o.side),
        "\N{BLACK UP-POINTING TRIANGLE} Sell",
        ink=lambda o, t: side_ink(o.side, t),
    ),
    Column("Amount", lambda o: figures.exact(o.amount), "0.00000", figures=True),
    Column(
        "Price",
        lambda o: "Market" if o.price is None else figures.exact(o.price),
        "100,000.00",
        figures=True,
        rank=1,
    ),
    Column("Mode", lambda o: o.mode_word, "SIMULATED", rank=3),
    Column("Why", lambda o: o.reason or figures.NONE, "", rank=2),
)


def _order_told(order: ReportedOrder) -> str:
    ids = f"Order {order.order_id}\nClient id {order.client_order_id}"
    return f"{order.reason}\n{ids}" if order.reason else ids


_LETTER_COLUMNS: tuple[Column[DeadLetter], ...] = (
    Column("Last tried", lambda d: figures.clock(d.last), "00:00:00", figures=True),
    Column("Given up on", lambda d: in_words(d.operation), "Cancel order"),
    Column("Order", lambda d: d.order or d.subject[:8], "Buy 0.01234 DOGE/USDT at 1.0", rank=1),
    Column("Tries", lambda d: f"{d.attempts:,}", "100", figures=True, rank=3),
    Column("Why", lambda d: d.reason or figures.NONE, "", rank=2),
)


def letter_told(letter: DeadLetter) -> str:
    """Return a dead letter with its evidence."""
    now = time.time()
    first, last = (figures.day_and_clock(at, now) for at in (letter.first, letter.last))
    times = "once" if letter.attempts == 1 else f"{letter.attempts:,} times"
    when = f"at {last}" if first == last else f"{first} to {last}"
    told = [
        letter.reason,
        f"{in_words(letter.operation)} of {letter.subject}, tried {times}, {when}",
    ]
    if letter.evidence and letter.evidence not in letter.reason:
        told.append(f"Evidence: {letter.evidence}")
    return "\n".join(told)


_FINDING_COLUMNS: tuple[Column[Finding], ...] = (
    Column("Kind", lambda f: in_words(f.kind), "Balance not believed"),
    Column("About", lambda f: f.subject or figures.NONE, "DOGE/USDT", rank=1),
    Column("Difference", lambda f: f.detail, ""),
)


def _finding_told(finding: Finding) -> str:
    if finding.order_id in finding.detail:  # or there is none
        return finding.detail
    return f"{finding.detail} (order {finding.order_id})"


_TRIGGER_COLUMNS: tuple[Column[Trigger], ...] = (
    Column("Trigger", lambda t: in_words(t.name), "Exchange down"),
    Column("Now", trigger_word, "NOT MET WW"),
    Column("Falls back when", lambda t: t.when if t.on else figures.NONE, ""),
)


def _trigger_told(trigger: Trigger) -> str:
    if not trigger.on:
        return f"{in_words(trigger.name)} is switched off in the settings ([failover])"
    return trigger.holds or f"Falls back when {trigger.when}"


_BLOCKER_COLUMNS: tuple[Column[str], ...] = (
    Column("In the way", lambda b: in_words(b.partition(": ")[0]), "Unresolved orders"),
    Column("Because", lambda b: b.partition(": ")[2], ""),
)

_COMPONENT_COLUMNS: tuple[Column[Component], ...] = (
    Column("Part", lambda c: in_words(c.name), "Circuit breakers"),
    Column("State", lambda c: c.status, "DEGRADED WW"),
    Column("Detail", lambda c: c.detail or figures.NONE, ""),
)


def make_pages(buttons: dict[Subject, tuple[QPushButton, ...]]) -> dict[Subject, HealthPage]:
    """Return a page for each subject; ``buttons`` act on what is chosen there."""
    return {
        Subject.BREAKERS: HealthPage(
            "Circuit breakers",
            _BREAKER_COLUMNS,
            "The engine tells no breakers.",
            explain=_breaker_told,
            key=lambda breaker: str(breaker.name),
            tone=lambda breaker: breaker_tone(breaker.state),
            chip=CHIP,
        ),
        Subject.UNRESOLVED: HealthPage(
            "Unresolved orders",
            _UNRESOLVED_COLUMNS,
            "No unresolved orders. Every outcome is known.",
            explain=_order_told,
            key=lambda order: str(order.order_id),
            buttons=buttons[Subject.UNRESOLVED],
        ),
        Subject.LETTERS: HealthPage(
            "Dead letters",
            _LETTER_COLUMNS,
            "No dead letters. Nothing that was wanted has been given up on.",
            explain=letter_told,
            key=lambda letter: str(letter.letter_id),
            buttons=buttons[Subject.LETTERS],
        ),
        Subject.RECONCILIATION: HealthPage(
            "Differences",
            _FINDING_COLUMNS,
            "No differences. Journal and exchange tell the same.",
            explain=_finding_told,
            key=lambda finding: f"{finding.kind} {finding.subject} {finding.order_id}",
        ),
        Subject.FAILOVER: HealthPage(
            "Triggers of the failover",
            _TRIGGER_COLUMNS,
            "The engine tells no triggers.",
            explain=_trigger_told,
            key=lambda trigger: str(trigger.name),
            tone=trigger_tone,
            chip=CHIP,
        ),
        Subject.LIVE: HealthPage(
            "What stands in the way of live",
            _BLOCKER_COLUMNS,
            "Nothing stands in the way of live.",
            explain=str,
            key=lambda blocker: _FIGURES.sub("", blocker),
        ),
        Subject.ENGINE: HealthPage(
            "Parts of the engine",
            _COMPONENT_COLUMNS,
            "The engine tells no parts.",
            explain=lambda part: f"{in_words(part.name)}: {part.detail}",
            key=lambda part: str(part.name),
            tone=lambda part: health_tone(part.status),
            chip=CHIP,
        ),
    }
