"""Where engines keep their state, and which of them run. Standard library only."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cryptobot.control.protocol import LOCK_NAME, SOCKET_NAME

_UNIX_SOCKETS: Final = Path("/proc/net/unix")
"""Linux lists every bound socket here; its path is the eighth column."""
_PATH_COLUMN: Final = 7


class RunningEngine(NamedTuple):
    """An engine that runs on this machine.

    Attributes:
        state_dir: Its state directory.
        pid: Its process id, ``None`` while it has not written it.
    """

    state_dir: Path
    pid: int | None


def user_state_dir() -> Path:
    """Return the default state directory: ``$CRYPTOBOT_STATE_DIR``, else the user's."""
    configured = os.environ.get("CRYPTOBOT_STATE_DIR")
    if configured:
        return expanded(Path(configured))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "cryptobot"
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "cryptobot"


def expanded(path: Path) -> Path:
    """Return a path with ``~`` filled in; as it is when there is no such user, as shells do."""
    try:
        return path.expanduser()
    except (RuntimeError, ValueError):
        return path


def engine_was_here(state_dir: Path) -> bool:
    """Return whether an engine runs or has ever run for a state directory."""
    try:
        return (state_dir / LOCK_NAME).is_file()
    except OSError:
        return False


def engine_pid(state_dir: Path) -> int | None:
    """Return the process id that an engine left in its lock, ``None`` if there is none."""
    try:
        return int((state_dir / LOCK_NAME).read_text())
    except (OSError, ValueError):
        return None


def engine_runs(state_dir: Path) -> bool:
    """Return whether an engine holds the lock of a state directory: also one that hangs."""
    import fcntl  # noqa: PLC0415 - absent on Windows

    try:
        file = os.open(state_dir / LOCK_NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        # Shared: two that look at once must not take each other for an engine.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
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
        return expanded(explicit).absolute()
    default = user_state_dir().absolute()
    if not engine_runs(default):
        running = [path for path in _folders_in(default) if engine_runs(path)]
        if len(running) == 1:
            return running[0]
    return default


def running_engines() -> list[RunningEngine]:
    """Return the engines of this user that run, by state directory.

    On Linux all of them; elsewhere those in the default state directory and right below it.
    """
    default = user_state_dir().absolute()
    candidates = {default, *_folders_in(default), *_folders_with_a_socket()}
    return [
        RunningEngine(path, engine_pid(path)) for path in sorted(candidates) if engine_runs(path)
    ]


def told(engines: Sequence[RunningEngine]) -> str:
    """Return engines in words: ``/a (pid 7), /b (pid 8)``, or ``none``."""
    words = (f"{path} (pid {'unknown' if pid is None else pid})" for path, pid in engines)
    return ", ".join(words) or "none"


def _folders_in(directory: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (path for path in directory.iterdir() if path.is_dir())


def _folders_with_a_socket() -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for line in _UNIX_SOCKETS.read_text(errors="surrogateescape").splitlines():
            columns = line.split(maxsplit=_PATH_COLUMN)
            path = Path(columns[-1])
            if len(columns) > _PATH_COLUMN and path.name == SOCKET_NAME and path.is_absolute():
                yield path.parent
