"""A client of the control socket that may send anything."""

import asyncio
import json
from pathlib import Path
from typing import Any, Self


class RawClient:
    """One connection; lines go out as given and come back parsed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, path: Path) -> Self:
        return cls(*await asyncio.open_unix_connection(str(path), limit=2**24))

    async def send(self, line: bytes | str | object) -> None:
        if not isinstance(line, bytes):
            line = (line if isinstance(line, str) else json.dumps(line)).encode()
        self.writer.write(line + b"\n")
        await self.writer.drain()

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            line = await self.reader.readline()
        if not line:
            raise ConnectionError("hung up")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def ask(self, line: bytes | str | object) -> dict[str, Any]:
        await self.send(line)
        return await self.receive()

    async def call(self, method: str, request_id: object = 1, **params: object) -> dict[str, Any]:
        return await self.ask(
            {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        )

    async def hung_up(self) -> bool:
        async with asyncio.timeout(10):
            return not await self.reader.read(1)

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)
