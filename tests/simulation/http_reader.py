"""What an HTTP client writes, read as requests: the world's own look at the wire."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

HEAD_ENDS: Final = b"\r\n\r\n"
ORDER_PATH: Final = "/api/v3/order"


@dataclass(frozen=True, slots=True)
class Request:
    """A request, all of whose bytes have been written.

    Attributes:
        fields: Of query and form together.
        upgrade: It asks for a websocket.
    """

    method: str
    path: str
    host: str
    fields: dict[str, str]
    upgrade: bool

    @property
    def is_order(self) -> bool:
        """Whether it may create an order."""
        return self.method == "POST" and self.path == ORDER_PATH

    @property
    def is_cancel(self) -> bool:
        """Whether it cancels one."""
        return self.method == "DELETE" and self.path == ORDER_PATH

    @property
    def name(self) -> str:
        """The client id of a new order."""
        return self.fields.get("newClientOrderId", "")


class RequestReader:
    """Reads one connection."""

    def __init__(self) -> None:
        self._read = b""
        self.upgraded = False
        """Whether it speaks websocket from now on."""

    def feed(self, data: bytes) -> Request | None:
        """Take bytes; return the request that they complete."""
        if self.upgraded:
            return None
        self._read += data
        head, ends, body = self._read.partition(HEAD_ENDS)
        if not ends:
            return None
        first, *lines = head.decode().split("\r\n")
        headers = {
            name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)
        }
        if len(body) < int(headers.get("content-length", 0)):
            return None
        self._read = b""
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        self.upgraded = "upgrade" in headers
        fields = {name: found[-1] for name, found in parse_qs(f"{query}&{body.decode()}").items()}
        return Request(method, path, headers["host"], fields, self.upgraded)


def refusal_of(data: bytes) -> tuple[int, float] | None:
    """Return status and seconds of silence of an answer's head that asks for silence."""
    if not data.startswith((b"HTTP/1.1 429 ", b"HTTP/1.1 418 ")):
        return None
    head = data.partition(HEAD_ENDS)[0].decode().lower()
    waits = [line.partition(":")[2] for line in head.split("\r\n") if line.startswith("retry-aft")]
    return int(head[9:12]), float(waits[0]) if waits else 0.0
