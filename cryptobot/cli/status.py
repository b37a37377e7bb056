"""``cryptobot status``: one screen about a running engine."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

from cryptobot.control.client import ControlClient
from cryptobot.control.locate import (
    RunningEngine,
    engine_runs,
    engine_state_dir,
    running_engines,
    told,
)
from cryptobot.control.protocol import LOCK_NAME, SOCKET_NAME, RpcError
from cryptobot.domain.errors import UserError

OLD_MS: Final = 3_000
"""Prices older than this are shown as such, as in the window."""


def show_status(options: argparse.Namespace) -> int:
    """Ask the engine and print; raise ``UserError`` when none answers."""
    state_dir = engine_state_dir(options.state_dir)
    try:
        with ControlClient(state_dir / SOCKET_NAME) as client:
            status = cast("dict[str, Any]", client.call("engine.status"))
            strategies, unknown = [], []
            if not options.json:
                strategies = cast("list[Any]", client.call("strategy.list"))
                unknown = cast("list[Any]", client.call("order.list", state="unresolved"))
    except (RpcError, OSError) as error:
        running = running_engines()
        problem = _problem(state_dir, error, running)
        if options.json:
            engines = [{"state_dir": str(one.state_dir), "pid": one.pid} for one in running]
            answer = {"error": problem, "state_dir": str(state_dir), "running_engines": engines}
            sys.stdout.write(json.dumps(answer) + "\n")
        raise UserError(problem) from None
    if options.json:
        sys.stdout.write(json.dumps(status) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(status, strategies, unknown)) + "\n")
    return 0


def _problem(state_dir: Path, error: RpcError | OSError, running: Sequence[RunningEngine]) -> str:
    if isinstance(error, RpcError):
        return f"the engine answered: {error.message}"
    if engine_runs(state_dir):
        return (
            f"the engine of {state_dir} does not answer ({error}); "
            f"its pid is in {state_dir / LOCK_NAME}"
        )
    if running:
        return (
            f"no engine is running for {state_dir}; engines running now: {told(running)}: "
            "name one with --state-dir"
        )
    return (
        f"no engine is running for {state_dir}: start one with 'cryptobot engine', "
        "or name another with --state-dir"
    )


def _lines(
    status: dict[str, Any], strategies: list[dict[str, Any]], unknown: list[dict[str, Any]]
) -> list[str]:
    exchange, orders, latency = status["exchange"], status["orders"], status["latency_ms"]
    mode = status["mode"].upper()
    if mode == "LIVE" and exchange["simulated"]:
        mode = "LIVE (SIMULATED exchange)"
    fenced = ", fenced" if status["fenced"] else ""
    skew = exchange["clock_skew_ms"]
    quantiles = (
        f"p50 {latency['p50']} ms, p95 {latency['p95']} ms of {latency['count']}"
        if latency["count"]
        else "no orders in the last 5 minutes"
    )
    counts = (
        f"{orders['open']} open, {orders['unresolved']} unresolved, "
        f"{orders['in_flight']} in flight; {orders['sent_total']} sent, "
        f"{orders['failed_total']} failed"
    )
    rows = [
        ("mode", f"{mode} since {status['mode_since']}{fenced}: {status['mode_reason']}"),
        ("trading", status["trading_state"]),
        ("account", status["account"]),
        (
            "exchange",
            f"{exchange['id']} {'up' if exchange['up'] else 'DOWN'}"
            + (f" via {exchange['connect_to']}" if exchange["connect_to"] else "")
            + (f", clock skew {skew} ms" if skew is not None else ""),
        ),
        ("orders", counts),
        *(("  unresolved", f"{item['order_id']} {item['symbol']}") for item in unknown),
        *(
            [("dead letters", f"{waiting} wait for a person, in the window's tab Health")]
            if (waiting := status["dead_letters"]["waiting"])
            else []
        ),
        ("latency", quantiles),
        ("strategies", _names(strategies, "running")),
        *(
            (f"  {item['name']}", f"FAILED, stopped: {item['error']}")
            for item in strategies
            if item["state"] == "failed"
        ),
        *((symbol, _prices(item)) for symbol, item in status["market"].items()),
        ("health", status["health"]["status"]),
        *(
            (f"  {name}", f"{item['status']}: {item['detail']}")
            for name, item in status["health"]["components"].items()
            if item["status"] != "ok"
        ),
        ("engine", f"pid {status['pid']}, version {status['version']}, up {status['uptime_s']} s"),
        ("metrics", f"http://{status['metrics']['host']}:{status['metrics']['port']}/metrics"),
        ("state", status["state_dir"]),
    ]
    if status["live_blockers"]:
        rows.append(("live needs", "; ".join(status["live_blockers"])))
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {text}" for name, text in rows]


def _prices(item: dict[str, Any]) -> str:
    if item["bid"] is None and item["ask"] is None and item["last"] is None:
        return "nothing received yet"
    prices = ", ".join(f"{name} {item[name] or 'none'}" for name in ("bid", "ask", "last"))
    old = item["age_ms"] is not None and item["age_ms"] > OLD_MS
    return f"{prices}  OLD: nothing heard for {item['age_ms'] / 1000:.0f} s" if old else prices


def _names(strategies: list[dict[str, Any]], state: str) -> str:
    names = [item["name"] for item in strategies if item["state"] == state]
    return f"{len(names)} {state}{': ' if names else ''}{', '.join(names)}"
