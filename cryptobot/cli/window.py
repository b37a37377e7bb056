"""``cryptobot``: the window, with an engine started beside it unless one runs."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from cryptobot.cli.engine import settings_of
from cryptobot.control.locate import engine_runs
from cryptobot.domain.errors import UserError
from cryptobot.settings import Settings

_SPEAKER: Final = "cryptobot: "
"""What our programs put before the line that says why they end."""


def run_window(options: argparse.Namespace) -> int:
    """Show the window; return its exit code."""
    settings = settings_of(options)
    if not has_display():
        raise UserError(
            "there is no display for a window; run 'cryptobot engine' for the engine alone, "
            "or 'cryptobot demo --headless'"
        )
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = EngineBeside(_engine_arguments(options, settings))
    if not engine_runs(settings.state_dir):
        engine.start()
    from cryptobot.gui.app import WindowOptions, run  # noqa: PLC0415 - the engine starts first

    try:
        return run(WindowOptions(state_dir=settings.state_dir, engine=engine))
    finally:
        engine.close()


def has_display() -> bool:
    """Return whether a window can be shown here."""
    if sys.platform != "linux":
        return True
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class EngineBeside:
    """Starts an engine that outlives the window, and knows why it ended if it does.

    What it says goes to our terminal too, through a file without a name: a pipe would break under
    the engine when the window closes.

    Args:
        arguments: After ``python -m cryptobot``.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._passed_on = 0
        self._last = ""

    @property
    def pid(self) -> int | None:
        """The process it started, while that runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def trouble(self) -> str:
        """Why the one it started ended, in one line; empty while it runs or ended well."""
        process = self._process
        if process is None:
            return ""
        code = process.poll()
        self._pass_on()
        if not code:
            return ""
        return self._last.removeprefix(_SPEAKER) or f"the engine ended with exit code {code}"

    def start(self) -> None:
        """Start one, unless the last one still runs."""
        if self.pid is not None:
            return
        self.close()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - read as long as the engine writes
        self._passed_on, self._last = 0, ""
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "cryptobot", *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,
        )

    def close(self) -> None:
        """Stop listening to it; it runs on."""
        if self._said is not None:
            self._said.close()
            self._said = None

    def _pass_on(self) -> None:
        """Copy what is new to our terminal and keep its last line."""
        if self._said is None:
            return
        # Read beside the engine's own position in the file, which the two processes share.
        new = os.pread(self._said.fileno(), 1 << 16, self._passed_on)
        self._passed_on += len(new)
        words = new.decode(errors="replace")
        if words and sys.stderr is not None:
            sys.stderr.write(words)
            sys.stderr.flush()
        self._last = next((line for line in words.splitlines()[::-1] if line.strip()), self._last)


def _engine_arguments(options: argparse.Namespace, settings: Settings) -> list[str]:
    arguments = ["engine", "--state-dir", str(settings.state_dir)]
    arguments += ["--log-dir", str(settings.log_dir)]
    for flag, value in (
        ("--profile", options.profile),
        ("--metrics-port", options.metrics_port),
        ("--connect-to", options.connect_to),
        ("--tls-ca", None if options.tls_ca is None else Path(options.tls_ca).absolute()),
    ):
        if value is not None:
            arguments += [flag, str(value)]
    for item in options.set:
        arguments += ["--set", item]
    return arguments
