"""The fence: while it is closed, no live order leaves, whatever anybody believes.

It is closed by the mode in memory and by the file ``PAPER_ONLY`` in the state directory; the file
alone is enough, so on-call can close it with ``touch`` while the engine hangs.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from cryptobot.domain.clock import iso
from cryptobot.domain.errors import FenceClosed
from cryptobot.domain.mode import Mode


class Fence:
    """Looked at by every live order right before its bytes leave.

    Args:
        path: The fence file.
        mode: Tells the mode in force.
        switches: Counts the switches to paper: what was accepted before one never leaves after it,
            though live be back by then.
    """

    def __init__(
        self, path: Path, mode: Callable[[], Mode], switches: Callable[[], int] = lambda: 0
    ) -> None:
        self._path = str(path)
        self._mode = mode
        self._switches = switches

    @property
    def switches(self) -> int:
        """How often it was switched to paper so far."""
        return self._switches()

    @property
    def file_present(self) -> bool:
        """Whether the fence file exists; an unreadable directory counts as fenced."""
        try:
            # This is on the order path, where a Path costs more; a dangling link is a file too.
            os.lstat(self._path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def mark(self) -> tuple[int, int] | None:
        """Return what tells this fence file from one that is written or touched later."""
        try:
            found = os.lstat(self._path)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def check(self, switches: int | None = None) -> None:
        """Return if live orders may leave now.

        Args:
            switches: How many switches to paper there had been when the order was accepted.

        Raises:
            FenceClosed: They may not; the message says which half of the fence is closed.
        """
        if self._mode() is not Mode.LIVE:
            raise FenceClosed("the mode is paper")
        if switches is not None and switches != self._switches():
            raise FenceClosed("it was switched to paper since the order was accepted")
        if self.file_present:
            raise FenceClosed(f"the fence file {self._path} exists")

    def arm(self, *, reason: str, actor: str, at_ns: int) -> None:
        """Write the fence file, durably. An existing one is kept.

        Raises:
            OSError: It could not be written; the mode in memory still fences this process.
        """
        note = json.dumps({"reason": reason, "actor": actor, "at": iso(at_ns)}) + "\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        try:
            os.write(file, note.encode())
            os.fsync(file)
        finally:
            os.close(file)
        directory = os.open(os.path.dirname(self._path), os.O_RDONLY)  # noqa: PTH120 - as above
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def disarm(self) -> None:
        """Remove the fence file. Raises ``OSError`` when that fails."""
        Path(self._path).unlink(missing_ok=True)
