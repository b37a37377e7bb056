"""What a start needs and another program has: told at once and in one line, before it starts."""

import errno
import socket
from collections.abc import Mapping

from cryptobot.domain.errors import UserError
from cryptobot.engine.single_instance import log_writer
from cryptobot.settings import Settings
from telemetry.port_owner import port_owner

_HOST = "127.0.0.1"


def refuse_conflicts(settings: Settings, ports: Mapping[str, int] | None = None) -> None:
    """Look whether the log directory and the ports that an engine needs are free.

    Args:
        settings: The engine's.
        ports: More ports that must be free, by the option that sets them.

    Raises:
        UserError: Some are not; the message names who has them and what to add.
    """
    wanted = [(option, _HOST, port) for option, port in (ports or {}).items()]
    wanted.append(("--metrics-port", settings.metrics.host, settings.metrics.port))
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
            f"or add {' '.join(instead for _, instead in taken)}"
        )


def _in_use(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False
