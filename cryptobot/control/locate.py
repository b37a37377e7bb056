"""Where engines keep their state, and which of them run. Standard library only."""

import contextlib
import os
import sys
from pathlib import Path

from cryptobot.control.protocol import LOCK_NAME


def user_state_dir() -> Path:
    """Return the default state directory: ``$CRYPTOBOT_STATE_DIR``, else the user's."""
    configured = os.environ.get("CRYPTOBOT_STATE_DIR")
    if configured:
        return Path(configured).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "cryptobot"
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "cryptobot"


def engine_runs(state_dir: Path) -> bool:
    """Return whether an engine holds the lock of a state directory: also one that hangs."""
    import fcntl  # noqa: PLC0415 - absent on Windows

    try:
        file = os.open(state_dir / LOCK_NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def engine_state_dir(explicit: Path | None) -> Path:
    """Return the state directory that a person at a terminal means.

    Without ``explicit`` it is the default one; if no engine runs there and exactly one runs in a
    directory below it, such as the demo's, it is that one.
    """
    if explicit is not None:
        return explicit.expanduser().absolute()
    default = user_state_dir().absolute()
    if not engine_runs(default):
        with contextlib.suppress(OSError):
            running = [path for path in default.iterdir() if path.is_dir() and engine_runs(path)]
            if len(running) == 1:
                return running[0]
    return default
