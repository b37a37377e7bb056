"""The window's own command line: attaches to an engine that runs already."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptobot.control.client import ControlClient
from cryptobot.control.protocol import SOCKET_NAME
from cryptobot.gui.tokens import ThemeName

NO_ENGINE = 3
"""Exit code when no engine runs and the window was told not to wait for one."""


def main(argv: Sequence[str]) -> int:
    """Parse ``argv`` and show the window.

    Returns:
        0 when it was closed, 1 without a display, 2 for wrong usage (by argparse), ``NO_ENGINE``.
    """
    options = _parser().parse_args(argv)
    state_dir: Path = options.state_dir.expanduser().absolute()
    if not state_dir.is_dir():
        return _fail(f"{state_dir} is not a directory: give the engine's --state-dir", 2)
    if options.on_engine_missing == "exit" and not _engine_listens(state_dir):
        return _fail(
            f"no engine runs for {state_dir}: start one with `cryptobot engine`", NO_ENGINE
        )
    try:
        from cryptobot.gui.app import WindowOptions, run  # noqa: PLC0415 - Qt is slow to import
    except ImportError as error:
        return _fail(f"Qt cannot be loaded ({error}): install the system libraries it names", 1)
    return run(
        WindowOptions(
            state_dir=state_dir,
            theme=ThemeName(options.theme) if options.theme else None,
            minimized=options.minimized,
            close_action=options.close_action,
            simulator=options.simulator,
        )
    )


def _engine_listens(state_dir: Path) -> bool:
    try:
        ControlClient(state_dir / SOCKET_NAME).close()
    except OSError:
        return False
    return True


def _fail(words: str, code: int) -> int:
    sys.stderr.write(f"cryptobot window: {words}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cryptobot.gui", description=__doc__)
    parser.add_argument(
        "--state-dir", type=Path, required=True, help="the engine's state directory"
    )
    parser.add_argument("--theme", choices=[name.value for name in ThemeName])
    parser.add_argument("--minimized", action="store_true", help="start on the task bar")
    parser.add_argument(
        "--close-action",
        choices=["ask", "keep", "stop"],
        default="ask",
        help="what becomes of the engine when the window closes (default: ask)",
    )
    parser.add_argument(
        "--simulator",
        type=Path,
        metavar="FILE",
        help="offer the faults of the simulated exchange whose /sim is at the HOST:PORT in FILE",
    )
    parser.add_argument(
        "--on-engine-missing",
        choices=["wait", "exit"],
        default="wait",
        help=f"wait for an engine, or exit with {NO_ENGINE} (default: wait)",
    )
    return parser
