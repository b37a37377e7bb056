"""``cryptobot orders``: what a person does about an order, and sees of it."""

import argparse
import getpass
import json
import sys
from pathlib import Path

from cryptobot.cli.asking import ask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's words."""
    verbs = parser.add_subparsers(dest="verb", metavar="verb", title="verbs", required=True)
    show = verbs.add_parser("show", help="an order and its history, with the evidence")
    settle = verbs.add_parser("settle", help="say what became of an order that is unresolved")
    for verb in (show, settle):
        verb.add_argument("order_id", help="32 hex digits, as 'cryptobot status' and the log say")
        verb.add_argument("--state-dir", type=Path, metavar="DIR", help="the engine's")
    outcome = settle.add_mutually_exclusive_group(required=True)
    outcome.add_argument(
        "--adopt",
        nargs="?",
        const="",
        metavar="EXCHANGE_ORDER_ID",
        help="the exchange has it, under this id (without one: under our client order id)",
    )
    outcome.add_argument("--not-placed", action="store_true", help="the exchange never had it")
    settle.add_argument(
        "--force",
        action="store_true",
        help="with --not-placed: also when the exchange cannot be asked once more",
    )
    settle.add_argument("--reason", required=True, help="how you know; kept in the journal")
    settle.add_argument("--actor", default=None, help="who you are (default: the login name)")


def run(options: argparse.Namespace) -> int:
    """Ask the engine and print its answer; raise ``UserError`` when it refuses or is not there."""
    if options.verb == "show":
        method, params = "order.get", _named(options)
    else:
        method, params = "order.settle", _settling(options)
    order = ask(options.state_dir, method, **params)
    if options.verb == "show":
        sys.stdout.write(json.dumps(order, indent=2) + "\n")
    else:
        sys.stdout.write(f"order {order['order_id']} is {order['state']}: {order['reason']}\n")
    return 0


def _named(options: argparse.Namespace) -> dict[str, object]:
    return {"order_id": options.order_id}


def _settling(options: argparse.Namespace) -> dict[str, object]:
    params: dict[str, object] = {
        **_named(options),
        "outcome": "not_placed" if options.not_placed else "adopt",
        "reason": options.reason,
        "actor": options.actor or getpass.getuser(),
        "force": options.force,
    }
    return {**params, "exchange_order_id": options.adopt} if options.adopt else params
