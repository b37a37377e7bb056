"""Tripping the fence from the window, for when the engine does not answer."""

import os
from pathlib import Path
from typing import Final

from cryptobot.control.protocol import FENCE_NAME

_MODE: Final = 0o600


def write_fence(state_dir: Path, reason: str) -> Path:
    """Create ``PAPER_ONLY`` and return its path; one that exists is left as it is.

    While it exists no live order leaves this machine, whatever any process believes. Its presence
    is what counts: it holds from the moment it is created, before a byte of the reason is in it.

    Raises:
        OSError: It could not be created.
    """
    path = state_dir / FENCE_NAME
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE)
    except FileExistsError:
        return path
    try:
        os.write(handle, f"{reason}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    _sync_directory(state_dir)
    return path


def _sync_directory(path: Path) -> None:
    if os.name != "posix":
        return  # directories cannot be opened there
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
