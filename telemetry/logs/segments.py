"""A log as dated segments: none is renamed while open, and a fixed name leads to the newest.

``order_processor-2026-11-21.log``, then ``order_processor-2026-11-21.1.log`` when that is full,
then the next day's. ``order_processor.log`` is a symbolic link to the newest, replaced atomically:
``tail -F`` follows it, shippers read ``order_processor-*.log``. Where symbolic links are not to be
had (Windows without the privilege) it is a hard link, which is replaced in the same way.

Why not one file that is renamed when full: renaming fails on Windows while anybody, a viewer or a
shipper, has it open.
"""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from telemetry.clock import NS_PER_S, Clock, iso

_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Retention:
    """How large a segment gets and how many are kept.

    Attributes:
        segment_bytes: A fuller segment is followed by a new one.
        segments: Kept, the newest included.
        total_bytes: Kept, the newest always.
    """

    segment_bytes: int = 64 * 1024 * 1024
    segments: int = 30
    total_bytes: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of a log, ordered by age."""

    day: str
    index: int
    path: Path


class SegmentedLog:
    """Appends lines to the newest segment. For one thread; nothing here raises ``OSError``.

    Args:
        directory: Created if missing, readable by the user only.
        stem: The log's name without ``.log``.
        retention: When segments begin and go.
        clock: Says which day it is, UTC.
    """

    def __init__(self, directory: Path, stem: str, retention: Retention, clock: Clock) -> None:
        self._directory = directory
        self._stem = stem
        self._retention = retention
        self._clock = clock
        self._pattern = re.compile(
            re.escape(stem) + r"-(\d{4}-\d\d-\d\d)(?:\.(\d{1,6}))?\.log", re.ASCII
        )
        self._fd: int | None = None
        self._current: Segment | None = None
        self._size = 0

    @property
    def link(self) -> Path:
        """The fixed name that leads to the newest segment."""
        return self._directory / f"{self._stem}.log"

    def segments(self) -> list[Segment]:
        """Return the segments that exist, oldest first."""
        found = []
        for path in self._directory.iterdir():
            match = self._pattern.fullmatch(path.name)
            if match and not path.is_symlink():
                found.append(Segment(match[1], int(match[2] or 0), path))
        return sorted(found)

    def write(self, lines: Sequence[bytes]) -> int:
        """Append lines, each without its line end; return how many could not be written.

        A full disk, a vanished directory or a lost right costs these lines, not the next ones:
        each call tries anew.
        """
        data = b"".join([line + b"\n" for line in lines])
        try:
            fd = self._ready()
        except OSError:
            self.close()
            return len(lines)
        written = 0
        try:
            while written < len(data):
                written += os.write(fd, memoryview(data)[written:])
        except OSError:
            # Whole lines stay; half a line would spoil the next one.
            whole = data.rfind(b"\n", 0, written) + 1
            with suppress(OSError):
                os.ftruncate(fd, self._size + whole)
            self.close()
            return data.count(b"\n", whole)
        self._size += written
        return 0

    def close(self) -> None:
        """Close the open segment; the next write opens it again."""
        if self._fd is not None:
            with suppress(OSError):
                os.close(self._fd)
        self._fd = self._current = None

    def _ready(self) -> int:
        """Return the descriptor to write to, turning to a new segment when it is time."""
        today = iso(self._clock.now_ns())[:10]
        current, fd = self._current, self._fd
        if current is not None and fd is not None:
            if (
                current.day == today
                and self._size < self._retention.segment_bytes
                and self._in_place(fd, current)
            ):
                return fd
            self.close()
        return self._open(today)

    def _in_place(self, fd: int, current: Segment) -> bool:
        """Whether the segment and its fixed name are still there: people delete logs."""
        try:
            there = current.path.stat()
            here = os.fstat(fd)
            return os.path.samestat(there, here) and os.path.samestat(self.link.stat(), here)
        except OSError:
            return False

    def _open(self, today: str) -> int:
        self._directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        of_today = [segment for segment in self.segments() if segment.day == today]
        index = of_today[-1].index if of_today else 0
        if of_today and of_today[-1].path.stat().st_size >= self._retention.segment_bytes:
            index += 1
        suffix = f".{index}" if index else ""
        path = self._directory / f"{self._stem}-{today}{suffix}.log"
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        fd = os.open(path, flags, _MODE)
        try:
            with suppress(OSError, AttributeError):  # Windows
                os.fchmod(fd, _MODE)
            self._size = os.fstat(fd).st_size
            self._mend_tail(fd)
            self._point_to(path)
        except OSError:
            os.close(fd)
            raise
        self._fd, self._current = fd, Segment(today, index, path)
        self._retire()
        return fd

    def _mend_tail(self, fd: int) -> None:
        """End a line that a killed process left half written."""
        if self._size == 0:
            return
        os.lseek(fd, -1, os.SEEK_END)
        if os.read(fd, 1) != b"\n":
            self._size += os.write(fd, b"\n")

    def _point_to(self, path: Path) -> None:
        link = self.link
        if link.is_file() and not link.is_symlink() and link.stat().st_nlink == 1:
            # Somebody's own file stands there: keep what it holds, beside the segments.
            stamp = self._clock.now_ns() // NS_PER_S
            link.replace(self._directory / f"{self._stem}.before-{stamp}.log")
        fresh = self._directory / f".{self._stem}.link-{os.getpid()}"
        with suppress(FileNotFoundError):
            fresh.unlink()
        try:
            fresh.symlink_to(path.name)
        except (OSError, NotImplementedError):
            fresh.hardlink_to(path)
        fresh.replace(link)

    def _retire(self) -> None:
        """Delete the oldest segments beyond what is kept."""
        kept = 0
        for age, segment in enumerate(reversed(self.segments())):
            with suppress(OSError):
                kept += segment.path.stat().st_size
                too_many = age >= self._retention.segments or kept > self._retention.total_bytes
                if age > 0 and too_many:
                    segment.path.unlink()
