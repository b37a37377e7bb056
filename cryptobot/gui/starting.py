"""Watches an engine that does not speak yet, and says what becomes of it."""

import time

from PySide6.QtCore import QObject

from cryptobot.gui.engine_start import EngineStart, engine_pid
from cryptobot.gui.mode_outcome import Cause, ended
from cryptobot.gui.notices import Notices
from cryptobot.gui.options import EngineStarter
from cryptobot.gui.session import Session
from cryptobot.gui.state import Link


class Starting(QObject):
    """Keeps ``EngineState.start`` true while no engine speaks.

    Args:
        session: The session with the engine.
        engine: Starts engines; ``None`` when somebody else does.
        notices: Where the reason is shown whole.
    """

    def __init__(self, session: Session, engine: EngineStarter | None, notices: Notices) -> None:
        super().__init__(notices)
        self._session = session
        self._engine = engine
        self._notices = notices
        self._since = time.monotonic()
        self._told = ""
        session.beat.connect(self._look)
        self._look()

    def start(self) -> None:
        """Start an engine, and wait for it anew."""
        if self._engine is not None:
            self._notices.take_back(Cause.NO_ENGINE)
            self._engine.start()
            self._since = time.monotonic()
            self._look()

    def _look(self) -> None:
        state, engine = self._session.state, self._engine
        trouble = engine.trouble if engine else ""
        if state.link is Link.ALIVE:
            self._since = time.monotonic()
            state.start = None
            self._told = ""
            return
        state.start = EngineStart(
            self._session.state_dir,
            (engine.pid if engine else None) or engine_pid(self._session.state_dir),
            time.monotonic() - self._since,
            trouble,
            can_start=engine is not None,
        )
        if trouble and trouble != self._told:
            self._notices.show(ended(trouble, heard=state.link is Link.LOST))
        self._told = trouble
