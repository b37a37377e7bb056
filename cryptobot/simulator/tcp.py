"""What TCP can do to a client."""

import asyncio
import os
import socket
import struct

_NO_LINGER = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport | None) -> None:
    """Cut the connection with a TCP reset: what was written may be lost."""
    if transport is None or transport.is_closing():
        return
    plug = transport.get_extra_info("socket")
    if plug is not None:
        # A second handle of the same socket: what uvloop gives out takes no options.
        with socket.socket(fileno=os.dup(plug.fileno())) as handle:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
