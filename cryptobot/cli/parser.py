"""The command line's options, and what ``--help`` teaches about them."""

import argparse
from pathlib import Path
from typing import Final

from cryptobot import __version__
from cryptobot.cli.exchange import add_arguments as add_exchange
from cryptobot.cli.orders import add_arguments as add_orders

_MAX_PORT: Final = 65_535
_MAX_SPEED: Final = 10_000

_EXIT_CODES: Final = "exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage"

_MAIN: Final = f"""\
new here? `cryptobot demo` needs nothing: no account, no keys, no real money.

examples:
  cryptobot                         the window; paper trading on real market data
  cryptobot demo --headless         the demo without a window
  cryptobot engine --verbose        the engine alone, its log on the terminal
  cryptobot status                  what a running engine is doing
  cryptobot demo --help             more about one command
  python3 ops/mode_switch.py --mode=paper
                                    stop live orders at once; works also when the engine hangs

{_EXIT_CODES}
"""
_DEMO: Final = f"""\
Starts a simulated exchange, an engine that trades on it with two strategies, and the window.
Everything is local and no real money moves. It says where to look, and ends together: Ctrl-C, or
close the window. Each start is a new exchange with a new journal; the last journal is kept as
previous.db in the state directory.

examples:
  cryptobot demo
  cryptobot demo --headless --metrics-port 9101
  cryptobot demo --market candles.csv --speed 60
      plays a recording, an hour a minute: CSV with the header
      timestamp,open,high,low,close,volume (times in milliseconds; gzip too), or a recorded Binance
      stream. The symbol comes from the file's name, such as binance_ETH-USDT_1m.csv, and the
      strategies trade it.
  cryptobot demo --state-dir /tmp/second --log-dir /tmp/second/logs \\
      --port 0 --tls-port 0 --metrics-port 0
      a second demo beside the first

Settings of the demo are in config/profiles/demo.toml; CRYPTOBOT_SECTION__KEY variables go above it.

{_EXIT_CODES}
"""
_ENGINE: Final = f"""\
Trades, keeps the journal and serves metrics until Ctrl-C, SIGTERM or `engine.shutdown`. A window
may attach to it (`cryptobot --state-dir DIR`) and leave again. Paper with real market data needs
no keys; for live see "Trading for yourself" in README.md.

examples:
  cryptobot engine --verbose
  cryptobot engine --state-dir /tmp/mine --metrics-port 9101 --set symbols=BTC/USDT,ETH/USDT
  CRYPTOBOT_STRATEGIES__FOLDER=~/strategies cryptobot engine

{_EXIT_CODES}
"""
_WINDOW: Final = f"""\
Attaches to the engine of the state directory, and starts one if none runs. Closing asks whether the
engine stays. `cryptobot` alone is the same.

examples:
  cryptobot
  cryptobot window --state-dir /tmp/mine

{_EXIT_CODES}
"""
_STATUS: Final = f"""\
Shows mode, exchange, orders, latency, strategies and health of a running engine. Without
--state-dir it is the engine of the default state directory, or the only one that runs below it,
such as the demo's.

examples:
  cryptobot status
  cryptobot status --json | python3 -m json.tool
  watch cryptobot status

--json prints what the engine answers to engine.status; without an engine an object with "error" and
"running_engines".

{_EXIT_CODES}: no engine is a failure
"""
_ORDERS: Final = f"""\
Shows an order with its history and the evidence for each step, or takes a person's word on one
whose outcome the exchange does not tell. Its id is in the log, the window and `order.list`.

examples:
  cryptobot orders show 0123456789abcdef0123456789abcdef
  cryptobot orders settle 0123456789abcdef0123456789abcdef --not-placed --reason "ticket 42"
  cryptobot orders settle 0123456789abcdef0123456789abcdef --adopt 9876 --reason "seen there"

{_EXIT_CODES}
"""
_EXCHANGE: Final = f"""\
Connects to the exchange anew, as after maintenance, a change of address or of keys' rights. Orders
on their way end as unresolved and are looked up. Circuit breakers that are open let their probes
through at once. A ban is waited for all the same: nothing is sent before it ends.

examples:
  cryptobot exchange restart

{_EXIT_CODES}
"""
_SIMULATOR: Final = f"""\
A Binance-spot exchange on localhost: REST, streams and ws-api, on a plain port and a TLS port. Its
account has the key `testkey`, the secret `testsecret` and funds. What it received, and how to make
it misbehave: /sim/state, /sim/orders, /sim/requests, /sim/faults on the plain port.

examples:
  cryptobot simulator --tls-ca-out /tmp/ca.pem
  CRYPTOBOT_EXCHANGE__API_KEY=testkey CRYPTOBOT_EXCHANGE__SECRET=testsecret cryptobot engine \\
      --profile demo --connect-to 127.0.0.1:18443 --tls-ca /tmp/ca.pem
  cryptobot simulator --market candles.csv --speed 60

{_EXIT_CODES}
"""


def parser(*, with_simulator: bool) -> argparse.ArgumentParser:
    """Return the parser of the whole command line.

    Args:
        with_simulator: Add the simulator's options. Their module brings a web server, which costs
            the other commands 0.4 s.
    """
    whole = argparse.ArgumentParser(
        prog="cryptobot",
        description="A crypto trading desktop built to be operated. Without a command: the window.",
        epilog=_MAIN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"cryptobot {__version__}")
    _add_settings(whole)
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_settings(_command(commands, "window", "the window (the default)", _WINDOW))
    _add_demo(_command(commands, "demo", "simulated exchange, engine and window together", _DEMO))
    engine = _command(commands, "engine", "the engine alone, without a window", _ENGINE)
    _add_settings(engine)
    engine.add_argument("--verbose", action="store_true", help="show the log on stderr as well")
    engine.add_argument(
        "--ready-json", action="store_true", help="say where it listens as one line of JSON"
    )
    status = _command(commands, "status", "one screen about a running engine", _STATUS)
    status.add_argument("--state-dir", type=Path, metavar="DIR", help="the engine's")
    status.add_argument("--json", action="store_true", help="for programs: one JSON object")
    add_orders(_command(commands, "orders", "one order: show it, or settle it", _ORDERS))
    add_exchange(_command(commands, "exchange", "the connection: begin it anew", _EXCHANGE))
    simulator = _command(commands, "simulator", "the simulated exchange alone", _SIMULATOR)
    if with_simulator:
        from cryptobot.simulator.command import add_arguments  # noqa: PLC0415 - see the docstring

        add_arguments(simulator)
    return whole


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, line: str, more: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=line,
        description=f"{line[0].upper()}{line[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_demo(demo: argparse.ArgumentParser) -> None:
    demo.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="journal, socket, fence (default: demo below the user's state directory)",
    )
    demo.add_argument(
        "--log-dir", type=Path, metavar="DIR", help="logs (default: ops/logs in a checkout)"
    )
    demo.add_argument(
        "--headless", action="store_true", help="no window; without a display that is so anyway"
    )
    demo.add_argument(
        "--port",
        type=_port,
        default=18_080,
        help="of the simulated exchange; 0 takes a free one (default: 18080)",
    )
    demo.add_argument(
        "--tls-port",
        type=_port,
        metavar="PORT",
        default=18_443,
        help="the same with TLS, which the engine uses (default: 18443)",
    )
    demo.add_argument(
        "--metrics-port",
        type=_port,
        metavar="PORT",
        help="of /metrics and /health; 0 takes a free one (default: 9100)",
    )
    demo.add_argument(
        "--market", metavar="FILE", default="generated", help="a recording (default: generated)"
    )
    demo.add_argument(
        "--seed", type=int, default=7, help="another seed, another generated market (default: 7)"
    )
    demo.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        help="1 is real time (the default), 60 plays an hour a minute",
    )
    demo.add_argument("--theme", choices=("dark", "light", "system"), help="of the window")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "settings", "above every other source; config/default.toml has them all"
    )
    group.add_argument("--profile", metavar="NAME", help="use config/profiles/NAME.toml")
    group.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="journal, socket, fence (default: the user's state directory for cryptobot)",
    )
    group.add_argument(
        "--log-dir", type=Path, metavar="DIR", help="logs (default: ops/logs in a checkout)"
    )
    group.add_argument(
        "--metrics-port",
        type=_port,
        metavar="PORT",
        help="of /metrics and /health; 0 takes a free one (default: 9100)",
    )
    group.add_argument(
        "--connect-to",
        metavar="HOST:PORT",
        help="send every connection of the exchange there: a simulator or proxy",
    )
    group.add_argument("--tls-ca", type=Path, metavar="FILE", help="PEM file to trust there")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any setting, such as risk.max_open_orders=10; repeatable",
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(_MAX_PORT)):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to {_MAX_PORT}")
    if int(text) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to {_MAX_PORT}")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0
    if not 0 < speed <= _MAX_SPEED:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no speed: give a number above 0, up to {_MAX_SPEED}"
        )
    return speed
