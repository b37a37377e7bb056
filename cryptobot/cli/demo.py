"""``cryptobot demo``: simulated exchange, engine and window, started and ended together."""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

from cryptobot.cli.child import Child
from cryptobot.cli.conflicts import refuse_conflicts
from cryptobot.cli.demo_market import fitted, last_prices
from cryptobot.cli.window import has_display
from cryptobot.control.locate import engine_runs, user_state_dir
from cryptobot.control.protocol import FENCE_NAME, LOCK_NAME
from cryptobot.domain.errors import UserError
from cryptobot.settings import Settings, load_settings

KEYS: Final = {
    "CRYPTOBOT_EXCHANGE__API_KEY": "testkey",
    "CRYPTOBOT_EXCHANGE__SECRET": "testsecret",
}
"""The simulator's own keys; they open nothing else."""

PROFILE: Final = "demo"
ADMIN_NAME: Final = "simulator.address"
"""The file that tells the window, which opens first, where the simulated exchange listens."""
SIMULATOR_PATIENCE_S: Final = 20.0
ENGINE_PATIENCE_S: Final = 30.0
WATCH_S: Final = 0.25


def run_demo(options: argparse.Namespace) -> int:
    """Run the demo until its window is closed, or Ctrl-C."""
    state_dir = (options.state_dir or user_state_dir() / "demo").expanduser().absolute()
    if engine_runs(state_dir):
        pid = (state_dir / LOCK_NAME).read_text().strip()
        raise UserError(
            f"an engine is running already for {state_dir} (pid {pid}): stop it (Ctrl-C in its "
            f"terminal, or 'kill {pid}'), or give another --state-dir"
        )
    settings = load_settings(
        profile=PROFILE,
        cli={
            "state_dir": state_dir,
            "log_dir": options.log_dir,
            "metrics.port": options.metrics_port,
        },
    )
    refuse_conflicts(settings, {"--port": options.port, "--tls-port": options.tls_port})
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    _set_journal_aside(state_dir)
    headless = options.headless or not has_display()
    # An exception, not a flag: a signal must end the wait for a child that starts, too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    children: list[Child] = []
    try:
        _start(options, settings, children, headless=headless)
        return _watch(children, headless=headless)
    except KeyboardInterrupt:
        _say("stopping ...")
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for child in reversed(children):
            child.stop()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start(
    options: argparse.Namespace, settings: Settings, children: list[Child], *, headless: bool
) -> None:
    state_dir = settings.state_dir
    admin = state_dir / ADMIN_NAME
    admin.unlink(missing_ok=True)
    if not headless:
        _say("opening the window ...")
        arguments = ["cryptobot.gui", "--state-dir", str(state_dir), "--close-action", "stop"]
        arguments += ["--simulator", str(admin)]
        if options.theme:
            arguments += ["--theme", options.theme]
        children.append(Child("window", arguments))
    ca = state_dir / "simulator-ca.pem"
    _say("starting the simulated exchange ...")
    simulator = Child(
        "simulator",
        [
            *("cryptobot", "simulator", "--ready-json", "--tls-ca-out", str(ca)),
            *("--port", str(options.port), "--tls-port", str(options.tls_port)),
            *("--seed", str(options.seed), "--market", options.market),
            *("--speed", str(options.speed)),
        ],
        before=children,
    )
    children.append(simulator)
    listening = simulator.ready(SIMULATOR_PATIENCE_S)
    _tell(admin, f"127.0.0.1:{listening['port']}\n")
    _say("starting the engine ...")
    arguments = [
        *("cryptobot", "engine", "--profile", PROFILE, "--ready-json"),
        *("--state-dir", str(state_dir), "--tls-ca", str(ca)),
        *("--connect-to", f"127.0.0.1:{listening['tls_port']}"),
        *fitted(settings, last_prices(listening["port"])),
    ]
    if options.speed != 1:
        # The exchange's clock runs with its market, and leaves ours behind: that is no fault here.
        arguments += ["--set", "failover.clock_skew_s=0"]
    if options.log_dir is not None:
        arguments += ["--log-dir", str(options.log_dir)]
    if options.metrics_port is not None:
        arguments += ["--metrics-port", str(options.metrics_port)]
    engine = Child("engine", arguments, KEYS, before=children)
    children.append(engine)
    where = engine.ready(ENGINE_PATIENCE_S)
    which = "" if options.state_dir is None else f" --state-dir {state_dir}"
    runs = (
        "LIVE against the simulated exchange, no real money."
        if where["mode"] == "live"
        else f"on PAPER, because {state_dir / FENCE_NAME} exists.\n"
        f"  to live   python3 ops/mode_switch.py --mode=live --confirm demo{which}"
    )
    _say(
        f"the demo runs: {runs}\n"
        f"  to paper  python3 ops/mode_switch.py --mode=paper{which}\n"
        f"  status    .venv/bin/cryptobot status{which}\n"
        f"  metrics   {where['metrics']}\n"
        f"  logs      {where['logs']}/order_processor.log\n"
        f"  exchange  http://127.0.0.1:{listening['port']}/sim/state\n"
        f"  state     {state_dir} (the simulated exchange and its journal start anew each time)\n"
        + ("Running without the window. " if headless else "")
        + "Ctrl-C ends it."
    )


def _watch(children: list[Child], *, headless: bool) -> int:
    """Wait until the window closes or somebody says stop; tell when a part dies."""
    told: set[str] = set()
    while True:
        time.sleep(WATCH_S)
        for child in children:
            if child.running or child.name in told:
                continue
            told.add(child.name)
            if child.name == "window":
                return _ended(child, lambda: _say("the window was closed"))
            _say(f"the {child.name} ended unexpectedly (exit code {child.exit_code})")
            if headless:
                return 1


def _ended(child: Child, closed: Callable[[], None]) -> int:
    if child.exit_code == 0:
        closed()
        return 0
    raise UserError(f"the window ended with exit code {child.exit_code}; see above")


def _set_journal_aside(state_dir: Path) -> None:
    """The simulated exchange starts anew each time; so must the journal of its orders."""
    for suffix in ("", "-wal", "-shm"):
        path = state_dir / f"cryptobot.db{suffix}"
        if path.exists():
            path.replace(state_dir / f"previous.db{suffix}")


def _tell(path: Path, words: str) -> None:
    """Write a file whole: whoever reads it sees nothing or all of it."""
    whole = path.with_suffix(".new")
    whole.write_text(words)
    whole.replace(path)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
