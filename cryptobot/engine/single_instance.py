"""One engine per state directory and per log directory, by locks that die with their processes.

The process that writes an engine's journal holds the state directory's too (``Journal.open``,
``keep_open``): after a kill no new engine reads the journal before the old one's last record is in.
"""

import fcntl
import os
import re
import time
from pathlib import Path
from typing import Final

from cryptobot.control.protocol import LOCK_NAME
from cryptobot.domain.errors import UserError

LOG_LOCK_NAME: Final = ".engine.lock"
"""Not ``LOCK_NAME``: logs may go into the state directory itself."""

_LONGEST_NOTE: Final = 4096
_LOOKER_S: Final = 0.25
"""Whoever looks whether an engine runs holds the lock for an instant; that must not stop one."""

LAST_COMMIT_S: Final = 5.0
"""Longest wait for the journal's writer of an engine that is gone."""

_PAUSE_S: Final = 0.01

_PID: Final = re.compile(r"\d+")
_WRITES_ON: Final = "the process that writes its journal has not ended: is the disk hanging?"


class _HeldError(Exception):
    """Another process holds the lock; the message is what it wrote there."""


class _Lock:
    """A file locked until ``release`` or the process's end, with a note about the holder.

    Raises:
        OSError: The file cannot be used.
        _HeldError: Another process holds it.
    """

    def __init__(self, path: Path, note: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        began = time.monotonic()
        while not self._taken():
            holder = os.pread(self._file, _LONGEST_NOTE, 0).decode(errors="replace").strip()
            gone = _is_gone(holder)
            if time.monotonic() - began > (LAST_COMMIT_S if gone else _LOOKER_S):
                os.close(self._file)
                raise _HeldError(f"{holder}, which is gone; {_WRITES_ON}" if gone else holder)
            time.sleep(_PAUSE_S)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{note}\n".encode(), 0)

    def fileno(self) -> int:
        """Return the descriptor that holds the lock."""
        return self._file

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


class InstanceLock:
    """The lock of a state directory, held until ``release`` or the process's end.

    Args:
        state_dir: The directory; made user-only.

    Raises:
        UserError: Another engine holds it, or the directory cannot be used.
    """

    def __init__(self, state_dir: Path) -> None:
        try:
            state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            state_dir.chmod(0o700)
            self._lock = _Lock(state_dir / LOCK_NAME, str(os.getpid()))
        except OSError as error:
            raise UserError(f"state_dir {state_dir}: {error.strerror}") from None
        except _HeldError as held:
            raise UserError(
                f"an engine is running already for {state_dir} (pid {str(held) or 'unknown'}); "
                "stop it, or give another --state-dir"
            ) from None

    def fileno(self) -> int:
        """Return the descriptor that holds the lock, for a process that is to hold it too."""
        return self._lock.fileno()

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()


class LogLock:
    """The lock of a log directory: two engines must not write into the same files.

    Args:
        log_dir: The directory; made if it is not there.
        state_dir: Of the engine that is to write, to name it to others.

    Raises:
        UserError: Another engine writes there, or the directory cannot be used.
    """

    def __init__(self, log_dir: Path, state_dir: Path) -> None:
        try:
            log_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _Lock(log_dir / LOG_LOCK_NAME, f"pid {os.getpid()}, state {state_dir}")
        except OSError as error:
            raise UserError(f"log_dir {log_dir}: {error.strerror}") from None
        except _HeldError as held:
            raise UserError(
                f"another engine ({str(held) or 'pid unknown'}) writes its logs to {log_dir}; "
                "stop it, or give another --log-dir"
            ) from None

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()


def log_writer(log_dir: Path) -> str | None:
    """Return which engine writes its logs to a directory, in words; ``None`` if none does."""
    try:
        with (log_dir / LOG_LOCK_NAME).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return file.read(_LONGEST_NOTE).strip() or "pid unknown"
    except OSError:
        pass
    return None


def _is_gone(holder: str) -> bool:
    """Return whether the process that a lock's note names has ended."""
    pid = _PID.search(holder)
    if pid is None:
        return False
    try:
        os.kill(int(pid[0]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False
