"""What a mode change did, in words. Pure.

===================  ======  ============================================================
what happened        tone    the words say
===================  ======  ============================================================
answered: paper      good    since when, each in-flight order, what stays open, cancelled
answered: live       good    since when
paper, by others     bad     what stays open, why it was switched
no answer in time    bad     that the fence file was written, where, and what it does
no engine            bad     the same
refused              bad     each failed precondition
===================  ======  ============================================================
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptobot.control.protocol import RpcError
from cryptobot.gui.wire_values import items, mapping, optional_text, sequence


class Tone(StrEnum):
    """How the result strip looks."""

    BUSY = "busy"
    GOOD = "good"
    BAD = "bad"


class Cause(StrEnum):
    """Why a result is shown; ``gui.notices`` says when each is over."""

    ASKED = "asked"
    """Somebody asked, and this is the answer: it stays until dismissed."""
    FENCED_HERE = "fenced here"
    """The engine did not switch, so the window tripped the fence."""
    NOT_FENCED = "not fenced"
    ON_PAPER = "on paper"
    LEFT_OPEN = "left open"
    """Somebody or something switched to paper, and live orders stay open."""
    NO_ENGINE = "no engine"
    """The engine that the window started ended."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result to show.

    Attributes:
        cause: Why it is shown.
        open_live: Live orders still on the exchange, offered to be cancelled.
        failed: Preconditions that were not met: (name, detail).
    """

    tone: Tone
    title: str
    detail: str = ""
    open_live: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    cause: Cause = Cause.ASKED


BUSY = Outcome(Tone.BUSY, "Switching to paper...", "Waiting for the engine, at most 2 seconds")

_OUTCOMES = {
    "stopped_before_wire": "stopped before the wire",
    "still_unknown": "outcome still unknown, being looked up",
}


def acknowledged_paper(answer: object) -> Outcome:
    """Return what the engine said after ``mode.set paper``.

    Raises:
        Malformed: The answer is not what the protocol says.
    """
    source = mapping(answer, "answer of mode.set")
    open_live = len(sequence(source.get("open_live_orders", []), "open_live_orders"))
    sentences = [_in_flight(source), _open_live(open_live)]
    canceled = len(items(source, "canceled"))
    if canceled:
        sentences.append(f"{_orders(canceled)} cancelled on the exchange.")
    return Outcome(
        Tone.GOOD,
        "On paper. No live order leaves any more.",
        " ".join(sentences),
        open_live,
        cause=Cause.ON_PAPER,
    )


def _in_flight(source: Mapping[str, object]) -> str:
    outcomes = Counter(
        optional_text(item, "outcome") or "unknown"
        for item in items(source, "in_flight")
        if isinstance(item, dict)
    )
    if not outcomes:
        return "Nothing was in flight."
    parts = [
        f"{number} {_OUTCOMES.get(outcome, f'answered: {outcome}')}"
        for outcome, number in outcomes.most_common()
    ]
    return f"In flight: {', '.join(parts)}."


def _open_live(number: int) -> str:
    if not number:
        return "No live order is open."
    return f"{_orders(number)} {_stay(number)} open on the exchange and tracked."


def _stay(number: int) -> str:
    return "stays" if number == 1 else "stay"


def _orders(number: int) -> str:
    return f"{number} live order{'' if number == 1 else 's'}"


def fenced(path: Path, error: Exception) -> Outcome:
    """Return the outcome when the window tripped the fence itself, because of ``error``."""
    if isinstance(error, TimeoutError):
        title = "The engine did not answer. The fence is tripped."
    elif isinstance(error, ConnectionError):
        title = "No engine is connected. The fence is tripped."
    else:
        title = f"The engine could not switch ({error}). The fence is tripped."
    return Outcome(
        Tone.BAD,
        title,
        f"{path} is written: while it exists no live order leaves this machine. "
        "Orders already on the exchange stay there: check them.",
        cause=Cause.FENCED_HERE,
    )


def not_fenced(path: Path, error: Exception, problem: OSError) -> Outcome:
    """Return the outcome when neither the engine answered nor the file could be written."""
    return Outcome(
        Tone.BAD,
        "NOT SWITCHED: the engine did not answer and the fence could not be written.",
        f"{path}: {problem.strerror or problem}. {error}. Stop the engine process now.",
        cause=Cause.NOT_FENCED,
    )


def ended(reason: str, *, heard: bool) -> Outcome:
    """Return what to say when the engine of this window ended, ``heard`` before or never."""
    title = "The engine ended." if heard else "The engine did not start."
    return Outcome(Tone.BAD, title, f"{reason}. Then press Start engine.", cause=Cause.NO_ENGINE)


def left_open(number: int, reason: str) -> Outcome:
    """Return what to say when others switched to paper and ``number`` live orders stay open."""
    because = f" Switched to paper: {reason}." if reason else ""
    return Outcome(
        Tone.BAD,
        f"On paper, but {_orders(number)} {_stay(number)} open.",
        f"{_open_live(number)}{because}",
        number,
        cause=Cause.LEFT_OPEN,
    )


def over(*, fenced: bool, open_live: int) -> Outcome:
    """Return what to say when the engine is back, on paper, after it did not switch."""
    stays = "The fence stays until you go live. " if fenced else ""
    stays += f"{_open_live(open_live)} " if open_live else ""
    return Outcome(
        Tone.GOOD,
        "Over: the engine answers again and is on paper.",
        f"{stays}Its orders have been read again; look for any that were under way.",
        open_live,
        cause=Cause.ON_PAPER,
    )


def refused_live(error: Exception) -> Outcome:
    """Return why live was refused."""
    data = error.data if isinstance(error, RpcError) and error.data is not None else {}
    failed = tuple(
        (optional_text(item, "precondition") or "precondition", optional_text(item, "detail") or "")
        for item in items(data, "failed")
        if isinstance(item, dict)
    )
    because = str(error).removeprefix("live refused: ")
    title = "Live refused:" if failed else f"Live refused: {because}"  # each reason is said once
    return Outcome(Tone.BAD, title, failed=failed)
