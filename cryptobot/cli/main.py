"""The command line."""

import sys
from collections.abc import Sequence

from cryptobot.cli.parser import parser
from cryptobot.domain.errors import UserError


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
    options = parser(with_simulator="simulator" in arguments).parse_args(arguments)
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
        case "exchange":
            from cryptobot.cli.exchange import run as run_exchange  # noqa: PLC0415 - as above

            return run_exchange(options)
        case _:
            from cryptobot.cli.window import run_window  # noqa: PLC0415 - as above

            return run_window(options)
