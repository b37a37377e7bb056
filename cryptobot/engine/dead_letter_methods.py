"""The control socket's methods about dead letters."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

from cryptobot.control.protocol import ErrorCode, RpcError
from cryptobot.domain.clock import iso
from cryptobot.engine import requests
from cryptobot.engine.control_server import Handler
from cryptobot.engine.requests import handler
from cryptobot.journal.records import DeadLetter
from cryptobot.trading.dead_letters import DeadLetterRefused, DeadLetters, UnknownDeadLetter


@dataclass(slots=True)
class DeadLetterMethods:
    """Answers requests about what was given up on."""

    letters: DeadLetters

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers by method name."""
        return {
            "deadletter.list": handler(requests.ListDeadLetters, self._list),
            "deadletter.retry": handler(requests.RetryDeadLetter, self._retry),
            "deadletter.discard": handler(requests.DiscardDeadLetter, self._discard),
        }

    async def _list(self, params: requests.ListDeadLetters) -> object:
        found = await self.letters.letters(params.state, params.limit)
        return [letter_to_wire(letter) for letter in found]

    async def _retry(self, params: requests.RetryDeadLetter) -> object:
        return await _changed(self.letters.retry(params.id, params.actor))

    async def _discard(self, params: requests.DiscardDeadLetter) -> object:
        return await _changed(self.letters.discard(params.id, params.reason, params.actor))


async def _changed(change: Awaitable[DeadLetter]) -> object:
    try:
        return letter_to_wire(await change)
    except UnknownDeadLetter as error:
        raise RpcError(ErrorCode.NOT_FOUND, str(error)) from error
    except DeadLetterRefused as error:
        raise RpcError(ErrorCode.REFUSED, str(error)) from error


def letter_to_wire(letter: DeadLetter) -> dict[str, object]:
    """Return a dead letter as the control socket shows it."""
    return {
        "id": letter.id,
        "sink": letter.sink,
        "operation": letter.operation,
        "subject": letter.subject,
        "payload": dict(letter.payload),
        "evidence": letter.evidence,
        "attempts": letter.attempts,
        "first_at": iso(letter.first_ns),
        "last_at": iso(letter.last_ns),
        "state": str(letter.state),
        "reason": letter.reason,
        "actor": letter.actor,
        "updated_at": iso(letter.updated_ns),
    }
