"""A blocking client of the control socket, for scripts."""

import json
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptobot.control.protocol import MAX_ANSWER_LINE, RpcError


class ControlClient:
    """One connection to an engine.

    Args:
        path: The engine's ``control.sock``.
        timeout_s: Longest wait for connecting, sending, and each answer.

    Raises:
        FileNotFoundError, ConnectionRefusedError: No engine listens there.
        TimeoutError: The engine did not answer in time.
    """

    def __init__(self, path: Path, *, timeout_s: float = 2.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._timeout_s = timeout_s
        try:
            self._socket.settimeout(timeout_s)
            self._socket.connect(str(path))
        except BaseException:
            self._socket.close()
            raise
        self._buffer = b""
        self._next_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def call(self, method: str, **params: object) -> object:
        """Return the result of ``method``.

        Raises:
            RpcError: The engine answered with an error.
            TimeoutError: It did not answer in time.
            ConnectionError: It hung up, or its answer makes no sense.
        """
        deadline = time.monotonic() + self._timeout_s
        self._next_id += 1
        self._socket.settimeout(self._timeout_s)
        request = {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            try:
                answer = json.loads(self._line(deadline))
                if answer.get("id") != self._next_id:
                    continue  # a notification, or the late answer of a call that timed out
                error = answer.get("error")
                if error is None:
                    return answer["result"]
                failure = RpcError(error["code"], error["message"], error.get("data"))
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise ConnectionError(f"the engine's answer makes no sense: {error}") from error
            raise failure

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the engine sent no answer in time")
            self._socket.settimeout(left)
            if len(self._buffer) > MAX_ANSWER_LINE:
                raise ConnectionError("the engine sent a line that is too long")
            chunk = self._socket.recv(65_536)
            if not chunk:
                raise ConnectionError("the engine closed the connection")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line
