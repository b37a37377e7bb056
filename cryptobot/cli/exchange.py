"""``cryptobot exchange``: what a person does about the connection to the exchange."""

import argparse
import sys
from pathlib import Path

from cryptobot.cli.asking import ask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's words."""
    verbs = parser.add_subparsers(dest="verb", metavar="verb", title="verbs", required=True)
    restart = verbs.add_parser(
        "restart", help="connect anew, and let open circuit breakers try at once"
    )
    restart.add_argument("--state-dir", type=Path, metavar="DIR", help="the engine's")


def run(options: argparse.Namespace) -> int:
    """Ask the engine and print how things stand; raise ``UserError`` when it is not there."""
    exchange = ask(options.state_dir, "exchange.restart")
    breakers = ask(options.state_dir, "engine.status")["breakers"]
    states = ", ".join(f"{one['name']} {one['state'].replace('_', ' ')}" for one in breakers)
    sys.stdout.write(
        f"{exchange['id']}: connecting anew; `cryptobot status` says when it is up\n"
        f"circuit breakers: {states}\n"
    )
    return 0
