"""Messages between the engine and the process that writes its journal, over a stream socket.

Only these two ever hold an end of it, so that pickle is safe here; nothing of it is stored.
"""

import pickle
from typing import Any, Final

_HEAD: Final = 4


def frame(message: object) -> bytes:
    """Return ``message`` as it goes over the socket: its length, then itself."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(_HEAD, "big") + body


class Frames:
    """Puts messages together again from whatever pieces arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """Take a piece and return the messages that are complete now."""
        self._buffer += data
        messages = []
        start = 0
        while len(self._buffer) - start >= _HEAD:
            end = start + _HEAD + int.from_bytes(self._buffer[start : start + _HEAD], "big")
            if end > len(self._buffer):
                break
            body = memoryview(self._buffer)[start + _HEAD : end]
            messages.append(pickle.loads(body))  # noqa: S301 - from our own process
            body.release()
            start = end
        del self._buffer[:start]
        return messages
