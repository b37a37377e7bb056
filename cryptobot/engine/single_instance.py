"""One engine per state directory, by a lock that dies with its process."""

import fcntl
import os
from pathlib import Path

from cryptobot.control.protocol import LOCK_NAME
from cryptobot.domain.errors import UserError


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
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise UserError(
                f"an engine is running already for {state_dir} (pid {holder}); "
                "stop it, or give another --state-dir"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        os.ftruncate(self._file, 0)
        os.close(self._file)
