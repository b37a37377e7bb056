"""What is known of an engine that has not spoken yet, and what to say of it. Pure.

=========================================  ===========  ==================================
what is known                              face         the words say
=========================================  ===========  ==================================
ours ended, and why                        NO ENGINE    its reason; a notice has it whole
one runs, for less than ``PATIENCE_S``     CONNECTING   that it is starting, its process
one runs, for longer                       CONNECTING   where to look, how to end it
none runs, for less than ``PATIENCE_S``    CONNECTING   that it is waited for
none runs, for longer                      NO ENGINE    how to start one
=========================================  ===========  ==================================
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from cryptobot.control.protocol import LOCK_NAME
from cryptobot.gui import figures

PATIENCE_S: Final = 15.0
"""An engine speaks within a few seconds of its start, on a slow machine within ten."""


@dataclass(frozen=True, slots=True)
class EngineStart:
    """What is known.

    Attributes:
        state_dir: Whose engine is waited for.
        pid: The process that is, or should become, the engine; ``None`` when there is none.
        waited_s: Seconds since it is waited for.
        trouble: Why the engine that the window started ended, in one line; empty while it runs.
        can_start: Whether the window offers to start one.
    """

    state_dir: Path
    pid: int | None = None
    waited_s: float = 0.0
    trouble: str = ""
    can_start: bool = False

    @property
    def absent(self) -> bool:
        """Whether there is no engine, and none is to be expected."""
        return bool(self.trouble) or (self.pid is None and self.waited_s > PATIENCE_S)

    @property
    def words(self) -> tuple[str, str]:
        """The headline and the detail of the banner; the table above."""
        if self.trouble:
            return "The engine did not start", self.trouble
        late = self.waited_s > PATIENCE_S
        waited = figures.age(self.waited_s)
        if self.pid is not None and not late:
            return "The engine is starting...", f"Process {self.pid}, for {waited}"
        if self.pid is not None:
            return (
                f"The engine does not answer for {waited}",
                f"Look at engine.log, or end it: `kill {self.pid}`. Then start another",
            )
        if not late:
            return "Waiting for an engine...", f"None runs for {self.state_dir} yet"
        return f"No engine runs for {self.state_dir}", self._how()

    def _how(self) -> str:
        if self.can_start:
            return "Press \N{LEFT DOUBLE QUOTATION MARK}Start engine\N{RIGHT DOUBLE QUOTATION MARK}"
        return f"Start one: `cryptobot engine --state-dir {self.state_dir}`"


def engine_pid(state_dir: Path) -> int | None:
    """Return the living process that holds the engine's lock, by what it wrote into it.

    The lock itself is left alone: taking it, even for a moment, could turn a starting engine away.
    """
    try:
        pid = int((state_dir / LOCK_NAME).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return pid if psutil.pid_exists(pid) else None
