"""Child processes of the commands: started with a ready line, stopped in order."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from cryptobot.domain.errors import UserError

STOP_PATIENCE_S = 6.0


class Child:
    """A program of ours running as a child, its errors passed through.

    It ends by itself, in order, when this process is gone without having stopped it: it reads from
    a pipe whose other end, the lifeline, is held here and by the children that it outlives.

    Args:
        name: What to call it in messages.
        arguments: After ``python -m``.
        environment: Variables on top of ours.
        before: Children that must not end before this one.

    Attributes:
        lifeline: The descriptor whose last holder's end is the child's end.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        before: Sequence["Child"] = (),
    ) -> None:
        self.name = name
        watched, self.lifeline = os.pipe()
        # A group of its own: Ctrl-C reaches only the parent, which stops the rest in order.
        self._process = subprocess.Popen(  # noqa: S603 - our own programs
            [sys.executable, "-m", "cryptobot.cli.parent_watch", str(watched), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            text=True,
            pass_fds=(watched, *(child.lifeline for child in before)),
        )
        os.close(watched)

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code, ``None`` while it runs."""
        return self._process.poll()

    def ready(self, timeout_s: float) -> dict[str, Any]:
        """Wait for its ready line and return it.

        Raises:
            UserError: It ended before, or took too long. What it said is on stderr already.
        """
        overdue = threading.Timer(timeout_s, self._process.kill)
        overdue.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else ""
        finally:
            overdue.cancel()
        if not line:
            code = self._process.wait()
            # Our programs say why in one line and end with 1: a second line would add nothing.
            raise UserError(
                "" if code == 1 else f"the {self.name} did not start (exit code {code})"
            )
        found = json.loads(line)
        if not isinstance(found, dict):
            raise UserError(f"the {self.name} said something unexpected: {line.strip()}")
        return found

    def stop(self) -> None:
        """Ask it to end, then insist."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        os.close(self.lifeline)
