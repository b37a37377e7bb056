"""An engine as a process: set-up, signals, crash reports, exit codes."""

import asyncio
import faulthandler
import gc
import json
import logging as stdlib_logging
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Final

import structlog

from cryptobot import __version__
from cryptobot.control.protocol import SOCKET_NAME
from cryptobot.domain.clock import SystemClock, iso
from cryptobot.domain.errors import JournalUnavailable, UserError
from cryptobot.domain.ids import IdSource
from cryptobot.engine import jobs
from cryptobot.engine.analytics import EngineAnswers, providers
from cryptobot.engine.metrics_feed import CHANNELS
from cryptobot.engine.secrets import exchange_keys, passphrase
from cryptobot.engine.single_instance import InstanceLock, LogLock
from cryptobot.journal.journal import Journal
from cryptobot.settings import Settings
from telemetry.exporter import Exporter, ExporterError
from telemetry.health import Health
from telemetry.logs.setup import Logging, configure_logging
from telemetry.metrics import Metrics
from telemetry.redaction import Redactor

QUIET_LOGGERS: Final = ("sqlalchemy", "apscheduler", "alembic", "aiohttp", "ccxt")
"""Libraries that are heard from ``warning`` on: below it they cost the order path and say nothing
that our own records do not."""

BREAKER_GROUPS: Final = ("orders", "reads")
"""As ``trading.guarded_exchange.Group``, which imports too much to be asked before the start."""

ORDER_LOGGERS: Final = ("cryptobot.orders", "cryptobot.exchange")
"""Loggers whose every record goes to ``order_processor.log``."""

CLOSE_PATIENCE_S: Final = 4.5
"""The whole orderly end must fit into 5 s; what hangs is left behind then."""

_log = structlog.stdlib.get_logger("cryptobot.engine")


def run_engine(settings: Settings, *, ready_json: bool = False, verbose: bool = False) -> int:
    """Run an engine until it is told to end; return the exit code.

    Args:
        settings: How to run.
        ready_json: Print one JSON line on stdout when the control socket is open.
        verbose: Show log lines on stderr.

    Raises:
        UserError: It cannot start; the message says why and what to do.
    """
    with ExitStack() as held:
        lock = InstanceLock(settings.state_dir)
        held.callback(lock.release)
        held.callback(LogLock(settings.log_dir, settings.state_dir).release)
        redactor = Redactor()
        _write_crash_reports(settings.state_dir / "crash", redactor)
        runner = asyncio.Runner(loop_factory=_loop_factory())
        with runner:
            runner.run(_serve(settings, redactor, lock, ready_json=ready_json, verbose=verbose))
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(
    settings: Settings, redactor: Redactor, lock: InstanceLock, *, ready_json: bool, verbose: bool
) -> None:
    clock = SystemClock()
    metrics = Metrics(
        version=__version__,
        exchanges=(settings.exchange.id,),
        symbols=settings.symbols,
        currencies=dict.fromkeys(symbol.partition("/")[2] for symbol in settings.symbols),
        channels=CHANNELS,
        jobs=jobs.NAMES,
        breakers=[f"{settings.exchange.id}:{group}" for group in BREAKER_GROUPS],
        ccxt=version("ccxt"),
    )
    logging = configure_logging(
        settings.log_dir,
        redactor=redactor,
        metrics=metrics,
        version=__version__,
        level=settings.log_level,
        order_loggers=ORDER_LOGGERS,
        console=sys.stderr if verbose else None,
    )
    try:
        journal = Journal.open(
            settings.database_url,
            clock=clock,
            keep_open=(lock.fileno(),),
            on_query=metrics.process.query,
        )
        await _with_logging(
            settings,
            clock,
            metrics,
            redactor,
            logging=logging,
            journal=journal,
            ready_json=ready_json,
        )
    finally:
        await asyncio.to_thread(logging.close)


async def _with_logging(
    settings: Settings,
    clock: SystemClock,
    metrics: Metrics,
    redactor: Redactor,
    *,
    logging: Logging,
    journal: Journal,
    ready_json: bool,
) -> None:
    asyncio.get_running_loop().set_exception_handler(_log_loop_error)
    for name in QUIET_LOGGERS:
        stdlib_logging.getLogger(name).setLevel(stdlib_logging.WARNING)
    keys = await exchange_keys(settings)
    token = settings.api.token.get_secret_value() if settings.api.token else None
    for secret in (*keys, passphrase(settings), token):
        if secret:
            redactor.add(secret)
    health = Health({"exchange": "not connected yet"})
    answers = EngineAnswers()
    exporter = Exporter(
        metrics,
        health,
        providers(journal, answers),
        host=settings.metrics.host,
        port=settings.metrics.port,
        api_token=token,
    )
    closers: list[Callable[[], Awaitable[None]]] = []
    try:
        try:
            await exporter.start()
            closers.append(exporter.close)
            closers.append(journal.close)
            # ccxt takes a second to import; by then the journal is open.
            engine_module, _ = await asyncio.gather(
                asyncio.to_thread(__import__, "cryptobot.engine.engine"), journal.start()
            )
        except (ExporterError, JournalUnavailable) as error:
            raise UserError(str(error)) from error
        engine = engine_module.engine.engine.Engine(
            settings,
            keys=keys,
            journal=journal,
            metrics=metrics,
            health=health,
            clock=clock,
            ids=IdSource(),
            tidy=collect_garbage,
        )
        engine.metrics_port = exporter.port
        answers.circuit_breakers = engine.circuit_breakers
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(
                number, engine.request_stop, signal.Signals(number).name
            )
        stop_listening = logging.add_listener(engine.broadcast.on_log)
        closers.append(engine.close)
        await engine.start()
        _say_ready(settings, exporter.port, str(engine.mode), as_json=ready_json)
        await engine.wait()
        stop_listening()
    finally:
        await _close_all(closers)


async def _close_all(closers: list[Callable[[], Awaitable[None]]]) -> None:
    try:
        async with asyncio.timeout(CLOSE_PATIENCE_S):
            for close in reversed(closers):
                await close()
    except TimeoutError:
        _log.critical("shutdown_took_too_long", patience_s=CLOSE_PATIENCE_S)


def _say_ready(settings: Settings, port: int, mode: str, *, as_json: bool) -> None:
    where = {
        "pid": os.getpid(),
        "mode": mode,
        "state_dir": str(settings.state_dir),
        "socket": str(settings.state_dir / SOCKET_NAME),
        "metrics": f"http://{settings.metrics.host}:{port}/metrics",
        "logs": str(settings.log_dir),
    }
    if as_json:
        text = json.dumps(where)
    else:
        text = (
            f"engine {where['pid']} ready on {mode}: metrics {where['metrics']}, "
            f"logs {where['logs']}, state {where['state_dir']}"
        )
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def is_echo(context: Mapping[str, object]) -> bool:
    """Whether an event loop complains only of a future of ccxt's that nobody awaits.

    ccxt rejects some besides the one that a stream awaits (that of the user stream's subscription
    is one); what they say the stream has said.

    Args:
        context: As the loop's exception handler gets it.
    """
    return type(context.get("future")).__module__.startswith("ccxt.")


def collect_garbage() -> None:
    """Collect all garbage now, and let no later collection look at what is left.

    What lasts is a quarter of a million objects, most of them ccxt's. To look at them all stops the
    event loop for more than a tenth of a second, and Python would do so whenever a quarter as many
    have come to be.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.collect()  # Python counts from what the last one has left


def _log_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    if is_echo(context):
        return
    error = context.get("exception")
    _log.error(
        "unhandled_in_event_loop",
        message=str(context.get("message")),
        exc_info=error if isinstance(error, BaseException) else None,
    )


def _write_crash_reports(directory: Path, redactor: Redactor) -> None:
    """Leave a file in ``crash/`` when the process dies of an error, and on a hard fault too."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    faults = (directory / "faults.log").open("a")
    faulthandler.enable(faults)
    usual = sys.excepthook

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not issubclass(kind, UserError | KeyboardInterrupt):
            clock = SystemClock()
            name = f"{iso(clock.now_ns()).replace(':', '-')}-{os.getpid()}.txt"
            text = "".join(traceback.format_exception(kind, error, trace, limit=-50))
            path = directory / name
            report_text = f"cryptobot {__version__}, Python {sys.version}\n\n{text}"
            path.write_text(redactor.redact(report_text))
            path.chmod(0o600)
        usual(kind, error, trace)

    sys.excepthook = report
