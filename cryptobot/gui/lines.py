"""Cutting the socket's bytes into JSON lines, whatever arrives."""

import json
from collections import deque
from typing import Final

from cryptobot.control.protocol import MAX_ANSWER_LINE

_SHOWN: Final = 80


class LineTooLong(ValueError):  # noqa: N818 - named for the condition
    """The other end sends no end of line; the connection is of no more use."""


class JsonLines:
    """Turns chunks of bytes into decoded objects, one at a time.

    Args:
        longest: Bytes a line may have before the stream is given up.
    """

    def __init__(self, longest: int = MAX_ANSWER_LINE) -> None:
        self._longest = longest
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._ready: deque[bytes] = deque()

    def feed(self, chunk: bytes) -> None:
        """Take bytes as they come.

        Raises:
            LineTooLong: A line outgrew the limit.
        """
        *whole, rest = chunk.split(b"\n")
        if whole:
            self._ready.append(b"".join([*self._tail, whole[0]]))
            self._ready.extend(whole[1:])
            self._tail, self._tail_size = [], 0
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
        if self._tail_size > self._longest:
            raise LineTooLong(f"a line of more than {self._longest:,} bytes")

    @property
    def pending(self) -> bool:
        """Whether a whole line waits."""
        return bool(self._ready)

    def next(self) -> dict[str, object] | None:
        """Return the next message, ``None`` when no whole line waits.

        Raises:
            ValueError: The line is not a JSON object; it is consumed, the next call goes on.
        """
        while self._ready:
            line = self._ready.popleft()
            if not line.strip():
                continue
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                raise ValueError(f"not JSON ({len(line):,} bytes): {_start(line)}") from None
            if not isinstance(message, dict):
                raise ValueError(f"not a JSON object: {_start(line)}")  # noqa: TRY004 - one error for all
            return message
        return None


def _start(line: bytes) -> str:
    return repr(line[:_SHOWN].decode("utf-8", "replace"))
