"""A program of ours as a child process: started, watched, and never left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = ("CRYPTOBOT_", "SENTRY_", "OTEL_")
"""Prefixes of the user's variables that must not reach the programs."""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without the user's settings and keyring."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    return {**kept, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", **(extra or {})}


class Program:
    """A child process whose stderr goes to a file.

    Args:
        name: What to call it in messages.
        arguments: After the interpreter.
        directory: Where ``NAME.stderr`` goes.
        environment: On top of the clean environment.
        prefix: A command that runs the rest, such as one that takes rights away.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        directory: Path,
        *,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.name = name
        directory.mkdir(parents=True, exist_ok=True)
        self._stderr = directory / f"{name}.stderr"
        with self._stderr.open("ab") as stderr:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, *arguments],
                cwd=ROOT,
                env=clean_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    @property
    def stderr(self) -> str:
        """What it said on stderr so far."""
        return self._stderr.read_text(errors="replace")

    @property
    def complaints(self) -> list[str]:
        """The lines it said on stderr."""
        return self.stderr.splitlines()

    def ready(self, deadline_s: float = 60.0) -> dict[str, Any]:
        """Return its ready line.

        Raises:
            RuntimeError: It ended before, or said nothing in time.
        """
        if self.process.stdout is None:
            raise RuntimeError(f"{self.name} has no stdout")
        overdue = threading.Timer(deadline_s, self.process.kill)
        overdue.start()
        try:
            line = self.process.stdout.readline()
        finally:
            overdue.cancel()
            overdue.join()
        if not line:
            code = self.process.wait()
            raise RuntimeError(f"{self.name} was not ready (exit {code}): {self.stderr[-2000:]}")
        found = json.loads(line)
        if not isinstance(found, dict):
            raise TypeError(f"{self.name} said {line!r}")
        return found

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def wait(self, deadline_s: float) -> int:
        """Return its exit code. Raises ``subprocess.TimeoutExpired``."""
        return self.process.wait(deadline_s)

    def end(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if self.running:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
