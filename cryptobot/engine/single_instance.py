"""One engine per state directory, by a lock that dies with its processes.

The process that writes the engine's journal holds it too (``Journal.open``, ``keep_open``), so that
after a kill no new engine reads the journal before the last record of the old one is in it.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from cryptobot.control.protocol import LOCK_NAME
from cryptobot.domain.errors import UserError

LAST_COMMIT_S: Final = 5.0
"""Longest wait for the journal's writer of an engine that is gone."""

_POLL_S: Final = 0.01


class InstanceLock:
    """The lock of a state directory, held until ``release`` or the process's end.

    Args:
        state_dir: The directory; made user-only.

    Raises:
        UserError: Another engine holds it, or the directory cannot be used.
    """

    def __init__(self, state_dir: Path) -> None:
        path = state_dir / LOCK_NAME
        try:
            state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            state_dir.chmod(0o700)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UserError(f"state_dir {state_dir}: {error.strerror}") from None
        try:
            self._take(state_dir)
        except UserError:
            os.close(self._file)
            raise
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def fileno(self) -> int:
        """Return the descriptor that holds the lock."""
        return self._file

    def _take(self, state_dir: Path) -> None:
        patience = time.monotonic() + LAST_COMMIT_S
        while not self._locked():
            holder = os.pread(self._file, 32, 0).decode(errors="replace").strip()
            if not holder.isdigit() or _is_running(int(holder)):
                raise UserError(
                    f"an engine is running already for {state_dir} (pid {holder or 'unknown'}); "
                    "stop it, or give another --state-dir"
                )
            if time.monotonic() > patience:
                raise UserError(
                    f"engine {holder} of {state_dir} is gone, but the process that writes its "
                    f"journal has not ended in {LAST_COMMIT_S:.0f} s: is the disk hanging? "
                    f"(fuser {state_dir / LOCK_NAME} names it)"
                )
            time.sleep(_POLL_S)

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
