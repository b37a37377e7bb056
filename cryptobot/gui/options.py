"""How a window is started."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptobot.gui.tokens import ThemeName


class EngineStarter(Protocol):
    """Starts engines, and knows what became of the last one."""

    @property
    def pid(self) -> int | None:
        """The process it started, while that runs."""

    @property
    def trouble(self) -> str:
        """Why the one it started ended, in one line; empty while it runs or ended well."""

    def start(self) -> None:
        """Start one, unless the last one still runs."""


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """What the command line, or the program that started the engine, decides.

    Attributes:
        state_dir: Where the engine's control socket is, and where the layout is remembered.
        theme: ``None``: the one used last, at first the desktop's.
        minimized: Start as an icon on the task bar (never hidden in a tray).
        close_action: ``ask``, ``keep`` or ``stop``: what becomes of the engine on closing.
            ``ask`` follows a remembered answer. ``stop`` is the demo's: everything ends.
        simulator: In the demo, where it writes the address of the simulated exchange's admin
            interface, once that listens; the window then offers its faults.
        engine: Starts an engine; offered as a button while none is there.
        on_drawn: Called once the window has been painted for the first time.
    """

    state_dir: Path
    theme: ThemeName | None = None
    minimized: bool = False
    close_action: str = "ask"
    simulator: Path | None = None
    engine: EngineStarter | None = None
    on_drawn: Callable[[], None] | None = None
