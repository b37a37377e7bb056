"""Sending and cancelling orders, and saying what came of it no longer than it is so.

What is said of an order follows its state. It goes when the mode changes and when the next order is
typed, except that there was no answer: that stays until the engine answers again.
"""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Final

from PySide6.QtWidgets import QWidget

from cryptobot.domain.order import OrderIntent, OrderState
from cryptobot.gui import figures
from cryptobot.gui.banner_state import Face, face_of
from cryptobot.gui.reported import ReportedOrder
from cryptobot.gui.session import Session
from cryptobot.gui.state import Changes, Link
from cryptobot.gui.ticket_rules import place_params, sentence
from cryptobot.gui.views.questions import LiveOrderQuestion
from cryptobot.gui.views.ticket import TicketView
from cryptobot.gui.wire_values import Malformed

_PLACE_TIMEOUT_S = 35.0
"""Longer than the slowest order: the engine answers by itself, with ``unresolved`` if need be."""

ANSWERS_AGAIN: Final = (
    "The engine answers again and its orders have been read anew: the blotter shows what became "
    "of the order."
)

_ROLE = {
    OrderState.DENIED: "problem",
    OrderState.REJECTED: "problem",
    OrderState.UNRESOLVED: "warn",
}


class OrderDesk:
    """Between the ticket and blotter on one side, the engine on the other.

    Args:
        session: The session with the engine.
        ticket: Shows results.
        window: Owns the confirmation.
    """

    def __init__(self, session: Session, ticket: TicketView, window: QWidget) -> None:
        self._session = session
        self._ticket = ticket
        self._window = window
        self._question: LiveOrderQuestion | None = None
        self._unanswered_at: float | None = None
        self._followed = ""
        """Id of the order that the ticket tells of."""
        self._face = face_of(session.state)
        session.refreshed.connect(self._refreshed)
        ticket.edited.connect(self._forget)

    def place(self, intent: OrderIntent) -> None:
        """Send ``intent``; real money is asked about first."""
        state = self._session.state
        if state.status is not None:
            # What the person saw when they clicked; another may switch in this very moment.
            intent = replace(intent, expected_mode=state.status.mode)
        if face_of(state) is not Face.LIVE or state.status is None:
            self._send(intent)
            return
        instrument = state.instruments.get(intent.symbol)
        value: Decimal | None = self._ticket.verdict.value
        quote = instrument.quote if instrument else ""
        self._question = LiveOrderQuestion(
            sentence(intent, instrument),
            "" if value is None else f"{figures.rounded(value, 2)} {quote}",
            state.status.account,
            state.status.exchange,
            self._window,
        )
        self._question.accepted.connect(lambda: self._send(intent))
        self._question.finished.connect(self._question.deleteLater)
        self._question.open()

    def cancel(self, order_ids: list[str]) -> None:
        """Ask the engine to cancel each order; refusals go to the log pane."""
        for order_id in order_ids:

            def answered(result: object, error: Exception | None, order_id: str = order_id) -> None:
                if error is not None:
                    self._note_silence(error)
                    words = f"Order {order_id[:8]} was not cancelled: {error}"
                    self._session.note("error", words)
                    self._say(words, "problem", order_id)
                elif isinstance(result, dict):
                    self._session.take_order(result)

            self._session.call("order.cancel", answered, order_id=order_id)

    def _send(self, intent: OrderIntent) -> None:
        self._ticket.begin_sending()
        self._unanswered_at = None

        def answered(result: object, error: Exception | None) -> None:
            if error is None:
                try:
                    order = self._session.state.order_from(result)
                except Malformed as problem:
                    error = problem
                else:
                    self._session.take_order(result)
                    self._tell(self._session.state.orders.get(order.order_id, order))
                    return
            self._note_silence(error)
            self._say(not_answered(error), "problem")

        self._session.call(
            "order.place", answered, timeout_s=_PLACE_TIMEOUT_S, **place_params(intent)
        )

    def _tell(self, order: ReportedOrder) -> None:
        self._say(order_words(order), _ROLE.get(order.state, "good"), order.order_id)

    def _say(self, words: str, role: str, order_id: str = "") -> None:
        self._followed, self._face = order_id, face_of(self._session.state)
        self._ticket.show_result(words, role)

    def _forget(self) -> None:
        if self._unanswered_at is None:
            self._followed = ""
            self._ticket.hide_result()

    def _refreshed(self, changes: Changes) -> None:
        face = face_of(self._session.state)
        if face is not self._face:
            self._face = face
            self._forget()
        order = changes.orders.get(self._followed)
        if order is not None:
            self._tell(order)
        self._look_again()

    def _note_silence(self, error: Exception) -> None:
        if isinstance(error, TimeoutError | ConnectionError):
            self._unanswered_at = time.monotonic()

    def _look_again(self) -> None:
        """Say that there was no answer no longer than it is so."""
        since, heard = self._unanswered_at, self._session.state.heard_at
        alive = self._session.state.link is Link.ALIVE
        if since is not None and heard is not None and alive and heard > since:
            self._unanswered_at = None
            self._say(ANSWERS_AGAIN, "muted")


def order_words(order: ReportedOrder) -> str:
    """Return what became of an order, in one or two sentences."""
    state = order.state.replace("_", " ")
    words = f"Order {order.order_id[:8]} {state} on {order.mode_word.lower()}"
    if order.average is not None:
        words += f", {figures.exact(order.filled)} at {figures.exact(round(order.average, 8))}"
    return f"{words}. {order.reason}" if order.reason else f"{words}."


def not_answered(error: Exception) -> str:
    """Return what to say when ``order.place`` brought no order."""
    if isinstance(error, TimeoutError | ConnectionError):
        return f"No answer: {error}. The order may have been sent: look at the blotter first."
    return f"Not placed: {error}"
