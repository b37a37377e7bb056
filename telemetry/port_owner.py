"""Who listens on a port, for an error message that helps."""

import psutil


def port_owner(port: int) -> str | None:
    """Return the process that listens on a TCP port as ``name, pid N``; ``None`` if unknown.

    Another user's process is often hidden.
    """
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr.port == port
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()}, pid {connection.pid}"
    except (psutil.Error, OSError):
        return None
    return None
