"""``cryptobot simulator``: its options and its run."""

import argparse
import asyncio
import gc
import ipaddress
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path

import orjson

from cryptobot.domain.errors import UserError
from cryptobot.simulator.faults.loading import load_faults
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.market.opening import open_market
from cryptobot.simulator.server.app import SimulatorSettings, build_simulator
from cryptobot.simulator.server.run import RunningSimulator
from cryptobot.simulator.server.tls import make_tls

DEFAULT_PORT = 18_080
DEFAULT_TLS_PORT = 18_443
_MAX_PORT = 65_535
_LIMITS = LimitSettings()
_LIMIT_OPTIONS = (
    ("--orders-per-10s", "orders_in_10_s", "unfilled new orders"),
    ("--orders-per-day", "orders_a_day", "unfilled new orders"),
    ("--weight-per-minute", "weight_a_minute", "request weight"),
    ("--requests-per-5min", "raw_requests_in_5_min", "requests"),
    ("--connects-per-5min", "connects_in_5_min", "websockets opened"),
    ("--messages-per-s", "messages_a_second", "what a client may say on a market socket"),
    ("--refusals-before-ban", "refusals_before_ban", "requests that are refused before a ban"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cryptobot simulator``."""
    parser.add_argument(
        "--host", type=_loopback, default="127.0.0.1", help="loopback address (default 127.0.0.1)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        help=f"plain HTTP and websockets, and /sim; 0 for a free one (default {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--tls-port",
        type=_port,
        default=DEFAULT_TLS_PORT,
        help=f"the same with TLS; 0 for a free one (default {DEFAULT_TLS_PORT})",
    )
    parser.add_argument("--tls-ca-out", type=Path, metavar="FILE", help="write the CA to trust")
    parser.add_argument("--seed", type=int, default=1, help="of the generated market (default 1)")
    parser.add_argument(
        "--market",
        default="generated",
        metavar="generated|FILE",
        help="generated, a recorded Binance stream, or an OHLCV file (default generated)",
    )
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="1 is real time (default), 60 an hour a minute"
    )
    parser.add_argument(
        "--faults",
        type=Path,
        metavar="FILE",
        help="JSON with faults in force from the start, as POST /sim/faults takes them",
    )
    for option, field, about in _LIMIT_OPTIONS:
        default = getattr(_LIMITS, field)
        parser.add_argument(
            option,
            type=_positive,
            default=default,
            dest=field,
            metavar="N",
            help=f"limit of {about} (default {default})",
        )
    parser.add_argument(
        "--ready-json", action="store_true", help="say where it listens as one line of JSON"
    )


def run(args: argparse.Namespace) -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    try:
        return _runner(_serve(args))
    except UserError as error:
        sys.stderr.write(f"cryptobot simulator: {error}\n")
        return 1


def main(argv: list[str] | None = None) -> int:
    """Run ``python -m cryptobot.simulator``."""
    parser = argparse.ArgumentParser(
        prog="cryptobot simulator", description="A Binance-spot exchange on localhost."
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))


async def _serve(args: argparse.Namespace) -> int:
    settings = SimulatorSettings(
        speed=args.speed,
        seed=args.seed,
        limits=LimitSettings(**{field: getattr(args, field) for _, field, _ in _LIMIT_OPTIONS}),
    )
    faults = () if args.faults is None else load_faults(args.faults)
    simulator = build_simulator(open_market(args.market, args.seed), settings, faults)
    tls, authority = make_tls()
    _write_authority(args.tls_ca_out, authority)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running = RunningSimulator(
        simulator, tls, host=args.host, port=args.port, tls_port=args.tls_port
    )
    async with running:
        _say_ready(args, running, simulator.exchange.venue.feed.description)
        # The start's garbage and the history are not looked at again by every collection.
        gc.collect()
        gc.freeze()
        await _until(stop, running)
    return 0


async def _until(stop: asyncio.Event, running: RunningSimulator) -> None:
    """Wait for the signal, or raise what stopped the market."""
    stopped = asyncio.create_task(stop.wait())
    tasks: set[asyncio.Task[object]] = {stopped}
    if running.pace is not None:
        tasks.add(running.pace)
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for task in done - {stopped}:
        task.result()


def _say_ready(args: argparse.Namespace, running: RunningSimulator, market: str) -> None:
    ports = running.ports
    ca = None if args.tls_ca_out is None else str(args.tls_ca_out)
    if args.ready_json:
        line = orjson.dumps({"port": ports.plain, "tls_port": ports.tls, "ca": ca}).decode()
    else:
        line = (
            f"simulated exchange ready: http://{args.host}:{ports.plain} "
            f"and https://{args.host}:{ports.tls}, market {market}"
        )
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _write_authority(path: Path | None, pem: bytes) -> None:
    if path is None:
        return
    try:
        path.write_bytes(pem)
    except OSError as error:
        raise UserError(
            f"cannot write {path} ({error.strerror}): give another --tls-ca-out"
        ) from None


def _runner(serving: Coroutine[object, object, int]) -> int:
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return asyncio.run(serving)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serving)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to {_MAX_PORT}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1
    if not 0 < speed <= 10_000:  # noqa: PLR2004 - said in the message
        raise argparse.ArgumentTypeError(f"{text!r} is no speed: give a number up to 10000")
    return speed


def _loopback(text: str) -> str:
    try:
        address = ipaddress.ip_address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no loopback address: the simulator serves this machine only"
        )
    return str(address)
