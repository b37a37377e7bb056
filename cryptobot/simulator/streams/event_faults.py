"""Where faults meet the streams: every event passes here on its way to a socket."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

import orjson

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.kinds import FaultKind
from cryptobot.simulator.faults.merge_patch import merged
from cryptobot.simulator.faults.occasion import Channel, Moment, Occasion
from cryptobot.simulator.faults.plan import Decision, FaultPlan, Fired
from cryptobot.simulator.streams.connection import Connection
from cryptobot.simulator.wire.time_fields import shifted

Frame = Callable[[object], bytes]
_ABNORMAL = 1006
"""Nobody may send this code: it stands for a connection that was cut."""


class _Held(NamedTuple):
    """An event that waits for the next one it changes places with."""

    fault: Fault
    raw: bytes


class EventFaults:
    """Sends events to sockets, or something else.

    Args:
        plan: Decides.
        now_ns: Tells the exchange's time, for events made here.
        offset_ms: Tells how wrong the exchange's clock is.
    """

    def __init__(
        self, plan: FaultPlan, now_ns: Callable[[], int], offset_ms: Callable[[], int]
    ) -> None:
        self._offset_ms = offset_ms
        self._plan = plan
        self._now_ns = now_ns
        self._held: WeakKeyDictionary[Connection, list[_Held]] = WeakKeyDictionary()
        self._due: dict[tuple[str, int], float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._ends: Mapping[FaultKind, Callable[[Connection, Fault], None]] = {
            FaultKind.RESET: lambda connection, _: connection.reset(),
            FaultKind.CLOSE: self._close,
            FaultKind.SILENCE: lambda connection, _: connection.mute(),
            FaultKind.SHUTDOWN: self._shut_down,
        }

    @property
    def concerned(self) -> bool:
        """Whether any event may fail now; cheap, asked for every event."""
        is_wrong = bool(self._held) or self._plan.concerns(Moment.EVENT)
        return is_wrong or self._offset_ms() != 0

    def tell(self, connection: Connection, occasion: Occasion, event: object, frame: Frame) -> None:
        """Send an event to a socket, through what goes wrong.

        Args:
            connection: The socket.
            occasion: What is known of the event.
            event: What is sent.
            frame: Makes the text of an event.
        """
        offset_ms = self._offset_ms()
        if offset_ms:
            event = shifted(event, offset_ms)
        if self._swap_back(connection, occasion, frame(event)):
            return
        decision = self._plan.decide(occasion)
        for one in decision.of(FaultKind.PATCH):
            event = merged(event, one.fault.options["fields"])
        raw = frame(event)
        verdict = decision.verdict
        if verdict is None:
            self._send(connection, decision, raw)
        else:
            self._suffer(connection, decision, verdict.fault, raw)

    def begin(self, connections: Iterable[Connection]) -> None:
        """Let the faults that have begun happen to the sockets that are open."""
        sockets = list(connections)
        fired_by_socket = self._plan.decide_begun(lambda: map(_of_socket, sockets))
        for connection, fired in zip(sockets, fired_by_socket, strict=False):
            for one in fired[:1]:
                self.end(connection, one.fault)

    def end(self, connection: Connection, fault: Fault) -> None:
        """Do to a socket what ends it, or its talk."""
        self._ends[fault.kind](connection, fault)

    def _suffer(self, connection: Connection, decision: Decision, fault: Fault, raw: bytes) -> None:
        match fault.kind:
            case FaultKind.DROP:
                pass
            case FaultKind.DUPLICATE:
                self._send(connection, decision, raw)
                self._send(connection, decision, raw)
            case FaultKind.REORDER:
                self._held.setdefault(connection, []).append(_Held(fault, raw))
            case FaultKind.MALFORMED:
                self._send(connection, decision, fault.text("frame").encode())
            case FaultKind.SHUTDOWN:
                self._send(connection, decision, raw)
                self.end(connection, fault)
            case _:
                self.end(connection, fault)

    def _swap_back(self, connection: Connection, occasion: Occasion, raw: bytes) -> bool:
        """Send an event before the one that waits for it, if there is one."""
        waiting = self._held.get(connection, [])
        held = next((one for one in waiting if one.fault.is_for(occasion)), None)
        if held is None:
            return False
        waiting.remove(held)
        if not waiting:
            del self._held[connection]
        connection.send(raw)
        connection.send(held.raw)
        return True

    def _send(self, connection: Connection, decision: Decision, raw: bytes) -> None:
        delays = decision.of(FaultKind.DELAY)
        if not delays:
            connection.send(raw)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + sum(map(delay_s, delays))
        # What a fault delays keeps its order, as on a slow link; other events overtake it.
        key = (delays[0].fault_id, id(connection))
        due = self._due[key] = max(due, self._due.get(key, 0))
        loop.call_at(due, self._arrive, connection, raw, key, due)

    def _arrive(self, connection: Connection, raw: bytes, key: tuple[str, int], due: float) -> None:
        if self._due.get(key) == due:
            del self._due[key]
        connection.send(raw)

    def _close(self, connection: Connection, fault: Fault) -> None:
        code = fault.integer("close_code")
        if code == _ABNORMAL:
            connection.reset()
        else:
            self._close_with(connection, code, fault.text("reason"))

    def _close_with(self, connection: Connection, code: int, reason: str) -> None:
        task = asyncio.get_running_loop().create_task(connection.close(code, reason.encode()))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _shut_down(self, connection: Connection, fault: Fault) -> None:
        event = {"e": "serverShutdown", "E": self._now_ns() // NS_PER_MS}
        is_wrapped = connection.channel is Channel.WS_API
        connection.send(orjson.dumps({"event": event} if is_wrapped else event))
        asyncio.get_running_loop().call_later(
            fault.number("close_after_s"), self._close_with, connection, 1001, "Server shutdown"
        )


def delay_s(delay: Fired) -> float:
    """Return how long one ``delay`` takes, in seconds."""
    fault = delay.fault
    return (fault.number("delay_ms") + delay.draw * fault.number("jitter_ms")) / 1000


def _of_socket(connection: Connection) -> Occasion:
    return Occasion(Moment.SOCKET, connection.channel, streams=tuple(sorted(connection.streams)))
