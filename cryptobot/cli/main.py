"""The command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptobot import __version__
from cryptobot.cli.orders import add_arguments as add_orders
from cryptobot.domain.errors import UserError

EPILOG = """\
commands:
  (none)      the window; starts an engine unless one runs for the state directory
  demo        simulated exchange, engine and window together: nothing to set up, no real money
  engine      the engine alone, without a window
  simulator   the simulated exchange alone
  status      one screen about a running engine
  orders      an order's history, and a person's word on one that is unresolved

examples:
  cryptobot demo
  cryptobot engine --profile demo --state-dir /tmp/state --verbose
  cryptobot status --json
  python ops/mode_switch.py --mode=paper     (works also when the engine hangs)

exit codes: 0 done, 1 failed, 2 wrong usage
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; a user's mistake is one line, no traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except UserError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"cryptobot: {line}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    options = _parser(with_simulator="simulator" in arguments).parse_args(arguments)
    match options.command:
        case "demo":
            from cryptobot.cli.demo import run_demo  # noqa: PLC0415 - only what is asked for

            return run_demo(options)
        case "engine":
            from cryptobot.cli.engine import run  # noqa: PLC0415 - only what is asked for

            return run(options)
        case "simulator":
            from cryptobot.simulator.command import run as simulate  # noqa: PLC0415 - as above

            return simulate(options)
        case "status":
            from cryptobot.cli.status import show_status  # noqa: PLC0415 - as above

            return show_status(options)
        case "orders":
            from cryptobot.cli.orders import run as run_orders  # noqa: PLC0415 - as above

            return run_orders(options)
        case _:
            from cryptobot.cli.window import run_window  # noqa: PLC0415 - as above

            return run_window(options)


def _parser(*, with_simulator: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cryptobot",
        description="A crypto trading desktop built to be operated.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cryptobot {__version__}")
    _add_settings(parser)
    commands = parser.add_subparsers(dest="command", metavar="command", title="command")
    _add_settings(commands.add_parser("window", help="the window (the default)"))
    demo = commands.add_parser("demo", help="simulated exchange, engine and window together")
    demo.add_argument("--state-dir", type=Path, metavar="DIR", help="default: the user's, /demo")
    demo.add_argument("--log-dir", type=Path, metavar="DIR", help="where the logs go")
    demo.add_argument("--headless", action="store_true", help="no window")
    demo.add_argument("--port", type=int, default=18080, help="simulator's port (default: 18080)")
    demo.add_argument("--tls-port", type=int, default=18443, help="and with TLS (default: 18443)")
    demo.add_argument("--metrics-port", type=int, metavar="PORT", help="default: 9100")
    demo.add_argument("--seed", type=int, default=7, help="of the generated market (default: 7)")
    demo.add_argument("--market", default="generated", help="'generated', or a recorded FILE")
    demo.add_argument("--speed", type=float, default=1.0, help="of the market (default: 1)")
    demo.add_argument("--theme", choices=("dark", "light", "system"), help="of the window")
    engine = commands.add_parser("engine", help="the engine alone, without a window")
    _add_settings(engine)
    engine.add_argument("--ready-json", action="store_true", help="print one JSON line when ready")
    engine.add_argument("--verbose", action="store_true", help="show log lines on stderr")
    status = commands.add_parser("status", help="one screen about a running engine")
    status.add_argument("--state-dir", type=Path, metavar="DIR", help="the engine's")
    status.add_argument("--json", action="store_true", help="what engine.status answers")
    add_orders(commands.add_parser("orders", help="one order: show it, settle it"))
    simulator = commands.add_parser("simulator", help="the simulated exchange alone")
    if with_simulator:  # its module brings a web server, which costs the other commands 0.4 s
        from cryptobot.simulator.command import add_arguments  # noqa: PLC0415 - as above

        add_arguments(simulator)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings (strongest source; see config/default.toml)")
    group.add_argument("--profile", metavar="NAME", help="config/profiles/NAME.toml")
    group.add_argument("--state-dir", type=Path, metavar="DIR", help="journal, socket, fence")
    group.add_argument("--log-dir", type=Path, metavar="DIR", help="where the logs go")
    group.add_argument("--metrics-port", type=int, metavar="PORT", help="of the exporter")
    group.add_argument("--connect-to", metavar="HOST:PORT", help="where connections really go")
    group.add_argument("--tls-ca", type=Path, metavar="FILE", help="PEM to trust there")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any setting, dotted, such as risk.max_open_orders=10; repeatable",
    )
