"""``cryptobot``: the window, with an engine started beside it unless one runs."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from cryptobot.cli.conflicts import refuse_conflicts
from cryptobot.cli.engine import settings_of
from cryptobot.control.locate import engine_runs
from cryptobot.domain.errors import UserError
from cryptobot.settings import Settings


def run_window(options: argparse.Namespace) -> int:
    """Show the window; return its exit code."""
    settings = settings_of(options)
    if not has_display():
        raise UserError(
            "there is no display for a window; run 'cryptobot engine' for the engine alone, "
            "or 'cryptobot demo --headless'"
        )
    if not engine_runs(settings.state_dir):
        refuse_conflicts(settings)  # else a window would wait for an engine that cannot start
        _start_engine(options, settings)
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    from cryptobot.gui.app import WindowOptions, run  # noqa: PLC0415 - the engine starts first

    return run(WindowOptions(state_dir=settings.state_dir))


def has_display() -> bool:
    """Return whether a window can be shown here."""
    if sys.platform != "linux":
        return True
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _start_engine(options: argparse.Namespace, settings: Settings) -> None:
    """Start an engine that outlives the window; what it says goes to our terminal."""
    arguments = [sys.executable, "-m", "cryptobot", "engine"]
    arguments += ["--state-dir", str(settings.state_dir), "--log-dir", str(settings.log_dir)]
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
    subprocess.Popen(  # noqa: S603 - our own program
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
