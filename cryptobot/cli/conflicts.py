"""What a demo needs and another program has: told at once and in one line, before it starts."""

import argparse
import errno
import socket

from cryptobot.domain.errors import UserError
from cryptobot.engine.single_instance import log_writer
from cryptobot.settings import Settings
from telemetry.port_owner import port_owner

_HOST = "127.0.0.1"


def refuse_conflicts(options: argparse.Namespace, settings: Settings) -> None:
    """Look whether ports and the log directory are free.

    Raises:
        UserError: Some are not; the message names who has them and what to add.
    """
    wanted = (
        ("--port", _HOST, options.port),
        ("--tls-port", _HOST, options.tls_port),
        ("--metrics-port", settings.metrics.host, settings.metrics.port),
    )
    taken: list[tuple[str, str]] = []
    for option, host, port in wanted:
        if port and _in_use(host, port):
            owner = port_owner(port) or "an unknown process"
            taken.append((f"port {port} by {owner}", f"{option} 0"))
    writer = log_writer(settings.log_dir)
    if writer is not None:
        own = settings.state_dir / "logs"
        taken.append((f"the logs in {settings.log_dir} by {writer}", f"--log-dir {own}"))
    if taken:
        raise UserError(
            f"in use already: {', '.join(what for what, _ in taken)}; stop that, "
            f"or start this demo with {' '.join(instead for _, instead in taken)}"
        )


def _in_use(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False
