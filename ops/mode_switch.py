#!/usr/bin/env python3
"""Switch a running CryptoBot between paper and live. Standard library only: runs anywhere.

For paper, the fence file is written first, so that it works when the engine hangs or is absent.
"""

import argparse
import contextlib
import getpass
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cryptobot.control.client import ControlClient
from cryptobot.control.locate import (
    RunningEngine,
    engine_runs,
    engine_state_dir,
    engine_was_here,
    running_engines,
    told,
)
from cryptobot.control.protocol import FENCE_NAME, LOCK_NAME, SOCKET_NAME, ErrorCode, RpcError

MAX_TIMEOUT_S = 3600.0
DONE, FAILED, USAGE, NO_ENGINE, NO_ANSWER, REFUSED = range(6)

EXIT_CODES = """\
exit codes:
  0  the engine acknowledged
  1  failed: the fence could not be written, or the engine answered with an error
  2  wrong usage
  3  no engine is running: the fence file is written, the next start is on paper
  4  no acknowledgement: the engine did not answer in time, or several run and none was named;
     the fence file is written and holds; look at the process
  5  live refused: each failed precondition is named

what it does:
  paper  writes the fence file PAPER_ONLY in the state directory, then asks the engine to
         acknowledge. While the file exists no live order leaves. A state directory that is not
         there is created and fenced all the same, so that the next start there is on paper. But
         if no engine has ever used it, it is probably mistyped: a line says so and names the
         engines that do run and were NOT switched (--json: engine_ever_ran, running_engines).
  live   asks the engine, which checks every precondition; removes the fence file. The name that
         --confirm repeats is the account of `cryptobot status`.

examples:
  python3 ops/mode_switch.py --mode=paper
  python3 ops/mode_switch.py --mode=paper --cancel-open --reason "exchange rejects everything"
  python3 ops/mode_switch.py --mode=live --confirm main --reason "exchange is back"
"""


class UnfencedError(Exception):
    """The fence file could not be written."""


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="mode_switch.py",
        description="Switch the running engine to paper (always works) or back to live.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mode", required=True, choices=("paper", "live"))
    parser.add_argument("--reason", metavar="TEXT", help="why, for the journal and the log")
    parser.add_argument("--actor", metavar="NAME", help="who (default: your login name)")
    parser.add_argument(
        "--cancel-open", action="store_true", help="paper only: also cancel open live orders"
    )
    parser.add_argument(
        "--confirm", metavar="ACCOUNT", help="live only: the account's name, typed again"
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="the engine's state directory (default: $CRYPTOBOT_STATE_DIR, else the user's; "
        "if no engine runs there, the only one that runs below it, such as the demo's)",
    )
    parser.add_argument(
        "--timeout", type=float, default=2.0, metavar="S", help="longest wait (default: 2)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if not 0 < options.timeout <= MAX_TIMEOUT_S:
        parser.error(f"--timeout must be above 0 and at most {MAX_TIMEOUT_S:g}")
    if options.mode == "paper" and options.confirm is not None:
        parser.error("--confirm goes with --mode=live only")
    if options.mode == "live" and options.cancel_open:
        parser.error("--cancel-open goes with --mode=paper only")
    return options


def write_fence(state_dir: Path, reason: str, actor: str) -> None:
    """Write the fence file, durably. Raises ``UnfencedError``.

    Of an existing one the text is kept and the time is renewed: an engine that is just going live
    tells by it that paper was asked for again.
    """
    note = {
        "reason": reason,
        "actor": actor,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    path = state_dir / FENCE_NAME
    try:
        if not state_dir.is_dir():
            state_dir.mkdir(parents=True, mode=0o700)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            with contextlib.suppress(OSError):  # somebody else's file: it fences all the same
                os.utime(path, follow_symlinks=False)
            return
        try:
            os.write(file, json.dumps(note).encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise UnfencedError(f"cannot write the fence file {path}: {error.strerror}") from None


def switch(options: argparse.Namespace, state_dir: Path) -> tuple[int, dict[str, object]]:
    """Do it; return the exit code and what to tell."""
    actor = options.actor or login_name()
    reason = options.reason or f"switched to {options.mode} by {actor}"
    answer: dict[str, object] = {
        "state_dir": str(state_dir),
        "requested": options.mode,
        "reason": reason,
        "cancel_open": options.cancel_open,
        "engine_ever_ran": engine_was_here(state_dir),
    }
    if options.mode == "paper":
        try:
            write_fence(state_dir, reason, actor)
        except UnfencedError as error:
            answer["fence_error"] = str(error)  # a running engine fences itself in memory
    params = {"mode": options.mode, "reason": reason, "actor": actor}
    if options.cancel_open:
        params["cancel_open"] = True
    if options.confirm is not None:
        params["confirm"] = options.confirm
    try:
        with ControlClient(state_dir / SOCKET_NAME, timeout_s=options.timeout) as client:
            result = client.call("mode.set", **params)
    except RpcError as error:
        failed = error.data.get("failed", []) if isinstance(error.data, dict) else []
        code = REFUSED if error.code == ErrorCode.LIVE_REFUSED else FAILED
        return code, {**answer, "error": error.message, "failed": failed}
    except OSError as error:
        return unreached(answer, state_dir, options, error)
    if not isinstance(result, dict) or result.get("mode") != options.mode:
        found = result.get("mode") if isinstance(result, dict) else result
        return FAILED, {**answer, "error": f"the engine answered that its mode is {found!r}"}
    return DONE, {**answer, **result}


def unreached(
    answer: dict[str, object], state_dir: Path, options: argparse.Namespace, error: OSError
) -> tuple[int, dict[str, object]]:
    """Return exit code and answer when the engine gave none."""
    running: list[RunningEngine] = []
    if not engine_runs(state_dir):
        running = running_engines()
        answer["running_engines"] = [
            {"state_dir": str(engine.state_dir), "pid": engine.pid} for engine in running
        ]
        code, problem = NO_ENGINE, no_engine(answer, state_dir, running)
    elif isinstance(error, TimeoutError):
        code, problem = NO_ANSWER, f"the engine did not answer within {options.timeout:g} s"
    else:
        code, problem = NO_ANSWER, f"the engine is there but cannot be asked ({error})"
    if answer["requested"] == "live":
        failed = [{"precondition": "engine", "detail": problem}]
        code = REFUSED if code == NO_ENGINE else FAILED
        return code, {**answer, "error": problem, "failed": failed}
    if code == NO_ENGINE and options.state_dir is None:
        # Nobody said which engine was meant: all that ever ran here are fenced.
        fenced = fence_all_below(state_dir, answer)
        answer["also_fenced"] = [str(path) for path in fenced]
        unasked = [engine for engine in running if engine.state_dir in fenced]
        answer["not_acknowledged"] = [str(engine.state_dir) for engine in unasked]
        if unasked:
            code, problem = NO_ANSWER, f"several engines run, none was named: {told(unasked)}"
    if "fence_error" in answer:
        code, problem = FAILED, f"{problem}, and {answer['fence_error']}"
    return code, {**answer, "error": problem}


def no_engine(answer: dict[str, object], state_dir: Path, running: list[RunningEngine]) -> str:
    """Return in one line that none runs, whether one ever did, and what may have been meant."""
    was_here = answer["engine_ever_ran"]
    words = f"no engine {'is running for' if was_here else 'has ever used'} {state_dir}"
    if running or not was_here:
        words += f"; engines running now: {told(running)}"
    if running:
        answer["meant"] = nearest = str(nearest_to(state_dir, running))
        words += f", NOT switched; did you mean --state-dir {nearest}?"
    return words


def nearest_to(state_dir: Path, running: list[RunningEngine]) -> Path:
    """Return the state directory that was probably meant."""
    import difflib  # noqa: PLC0415 - only a mistake pays for it

    def likeness(engine: RunningEngine) -> float:
        return difflib.SequenceMatcher(None, str(engine.state_dir), str(state_dir)).ratio()

    return max(running, key=likeness).state_dir


def fence_all_below(state_dir: Path, answer: dict[str, object]) -> list[Path]:
    """Fence every state directory below ``state_dir`` that an engine has used; return them."""
    fenced = []
    with contextlib.suppress(OSError):
        for path in sorted(state_dir.iterdir()):
            if engine_was_here(path):
                try:
                    write_fence(path, f"no engine was named: {answer['requested']}", "")
                    fenced.append(path)
                except UnfencedError as error:
                    answer["fence_error"] = str(error)
    return fenced


def login_name() -> str:
    """Return who is typing."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def tell(code: int, answer: dict[str, object]) -> None:
    """Print what happened, for people."""
    directory = Path(str(answer["state_dir"]))
    fence = f"the fence file {directory / FENCE_NAME} is written"
    if code == DONE:
        _tell_done(answer)
    elif code == NO_ENGINE:
        print(
            f"{answer['error']}{'' if str(answer['error']).endswith('?') else ';'} "
            f"{fence}: the next start there is on paper",
            file=sys.stderr,
        )
        tell_also_fenced(answer)
    elif code == NO_ANSWER and "also_fenced" in answer:
        print(f"{answer['error']}; all are fenced: no live order leaves", file=sys.stderr)
        tell_also_fenced(answer)
    elif code == NO_ANSWER:
        print(
            f"{answer['error']}; {fence} and holds: no live order leaves. "
            f"Look at the process: its pid is in {directory / LOCK_NAME}",
            file=sys.stderr,
        )
    elif code == REFUSED:
        print("live refused:", file=sys.stderr)
        for item in listed(answer, "failed"):
            print(f"  - {item['precondition']}: {item['detail']}", file=sys.stderr)
    elif answer["requested"] == "paper" and "fence_error" not in answer:
        print(f"failed: {answer['error']}; but {fence}", file=sys.stderr)
    else:
        print(f"failed: {answer['error']}", file=sys.stderr)


def tell_also_fenced(answer: dict[str, object]) -> None:
    """Print which other state directories were fenced."""
    unasked = listed(answer, "not_acknowledged")
    for path in listed(answer, "also_fenced"):
        print(
            f"fenced, not acknowledged: {path}; run this again with --state-dir {path}"
            if path in unasked
            else f"fenced too, as no engine runs there either: {path}",
            file=sys.stderr,
        )


def listed(answer: dict[str, object], key: str) -> list[Any]:
    """Return a list of the answer; empty if it is not there."""
    found = answer.get(key)
    return found if isinstance(found, list) else []


def _tell_done(answer: dict[str, object]) -> None:
    fenced = "fenced" if answer["fenced"] else "not fenced"
    print(
        f"{str(answer['mode']).upper()} since {answer['mode_since']}, {fenced}, "
        f"trading {answer['trading_state']}: {answer['mode_reason']}"
    )
    if answer["mode_reason"] != answer["reason"]:
        print("it was in that mode already: the reason given now is kept in the log only")
    if answer.get("paper_account_from") is not None:
        print(
            f"paper account: starts with the live balances of {answer['paper_account_from']}, "
            f"{answer['paper_account_age_s']} s old"
        )
    if "fence_error" in answer:
        print(f"warning: {answer['fence_error']}", file=sys.stderr)
    _tell_orders(answer)
    if answer["cancel_open"] and answer.get("open_live_orders"):
        print(
            "warning: these could not be cancelled in time; order_processor.log says why. "
            "Run the command again, or cancel them at the exchange",
            file=sys.stderr,
        )


def _tell_orders(answer: dict[str, object]) -> None:
    for item in listed(answer, "in_flight"):
        print(
            f"in flight: {item['symbol']} {item['order_id']}: {item['outcome'].replace('_', ' ')}"
        )
    for item in listed(answer, "canceled"):
        print(f"cancelled: {item['symbol']} {item['order_id']}")
    orders = listed(answer, "open_live_orders")
    print(f"open live orders: {len(orders)}")
    for item in orders:
        price = item["price"] or "market"
        print(
            f"  {item['symbol']} {item['side']} {item['amount']} @ {price} {item['state']} "
            f"filled {item['filled']} {item['order_id']}"
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)
    code, answer = switch(options, engine_state_dir(options.state_dir))
    if options.json:
        print(json.dumps({**answer, "exit": code}))
    else:
        tell(code, answer)
    return code


if __name__ == "__main__":
    sys.exit(main())
