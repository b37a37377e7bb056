"""What a person does about the order path: settle an outcome, retry or discard a dead letter.

It also reads again what the status only counts: dead letters and differences, when they changed.
"""

from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from cryptobot.domain.mode import Mode
from cryptobot.gui import figures
from cryptobot.gui.connection import Done
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.mode_switch import actor
from cryptobot.gui.order_path import DeadLetter, in_words
from cryptobot.gui.reported import ReportedOrder
from cryptobot.gui.session import Session
from cryptobot.gui.views.health_pages import letter_told
from cryptobot.gui.views.reasoned_question import ReasonedQuestion, SettleChoice

PLACE: Final = "place_order"
CANCEL: Final = "cancel_order"

_ANSWER_S: Final = 35.0
"""Longer than the slowest order or look-up: the engine answers by itself."""

_LISTED: Final = 500

_RETRY_WORDS: Final = {
    PLACE: "A new order of the same terms is sent at once. It is refused, and the letter stays, "
    "if the old one may have been executed, if orders go elsewhere by now, or by a limit.",
    CANCEL: "The exchange is asked again to cancel the order. If it is closed by now, nothing is "
    "sent. If it still stands afterwards, the letter stays.",
}


class HealthDesk(QObject):
    """Between the health panel and the blotter on one side, the engine on the other.

    Args:
        session: The session with the engine.
        window: Owns the questions.

    Attributes:
        question: The last one asked.
    """

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._seen_letters: str | None = None
        self._seen_run: str | None = None
        self._looked_at: float | None = None
        self.question: ReasonedQuestion | None = None
        session.resynced.connect(self._forget)
        session.refreshed.connect(self._look)

    def settle(self, order: ReportedOrder) -> None:
        """Ask how an unknown outcome is to be settled."""
        choice = SettleChoice()

        def send(reason: str, done: Done) -> None:
            def answered(result: object, error: Exception | None) -> None:
                if error is None:
                    self._session.take_order(result)
                done(result, error)

            named = choice.exchange_id.text().strip()
            adopted = choice.outcome == SettleChoice.ADOPT and named
            self._session.call(
                "order.settle",
                answered,
                timeout_s=_ANSWER_S,
                order_id=order.order_id,
                outcome=choice.outcome,
                reason=reason,
                actor=actor(),
                **({"exchange_order_id": named} if adopted else {}),
            )

        self._open(
            ReasonedQuestion(
                "What became of this order?",
                "It is being looked up and settles by itself when the exchange gives evidence. "
                "Settle it only if you know more, such as from the exchange's own pages.",
                "&Settle",
                send,
                self._window,
                facts=f"{order_words(order)}\nOrder {order.order_id}",
                choice=choice,
            )
        )

    def retry(self, letter: DeadLetter) -> None:
        """Ask whether what was given up on is to be done again."""

        def send(_reason: str, done: Done) -> None:
            self._session.call(
                "deadletter.retry",
                self._closed(letter, done),
                timeout_s=_ANSWER_S,
                id=letter.letter_id,
                actor=actor(),
            )

        status = self._session.state.status
        real = letter.mode == Mode.LIVE and status is not None and not status.simulated
        words = _RETRY_WORDS.get(
            letter.operation, "It is tried again. If that fails, the letter stays."
        )
        if letter.operation == PLACE:
            words = f"{words} {_where(letter, status)}"
        self._open(
            ReasonedQuestion(
                f"{in_words(letter.operation)} again?",
                words,
                "&Retry now",
                send,
                self._window,
                facts=letter.order,
                needs_reason=False,
                danger=real and letter.operation == PLACE,
            )
        )

    def discard(self, letter: DeadLetter) -> None:
        """Ask why what was given up on is to be left."""

        def send(reason: str, done: Done) -> None:
            self._session.call(
                "deadletter.discard",
                self._closed(letter, done),
                id=letter.letter_id,
                reason=reason,
                actor=actor(),
            )

        self._open(
            ReasonedQuestion(
                "Discard this dead letter?",
                "Nothing is sent, and the order stays as it is. The letter is kept in the journal "
                f"with your reason.\n\n{letter_told(letter)}",
                "&Discard",
                send,
                self._window,
                facts=letter.order,
            )
        )

    def _closed(self, letter: DeadLetter, done: Done) -> Done:
        def answered(result: object, error: Exception | None) -> None:
            if error is None and isinstance(result, dict):
                words = (
                    f"{in_words(letter.operation)} {result.get('state')}: {result.get('reason')}"
                )
                self._session.note("info", words)
            done(result, error)

        return answered

    def _open(self, question: ReasonedQuestion) -> None:
        self.question = question
        question.finished.connect(question.deleteLater)
        question.open()

    def _forget(self) -> None:
        self._forget_letters()
        self._forget_run()

    def _forget_letters(self) -> None:
        self._seen_letters = None

    def _forget_run(self) -> None:
        self._seen_run = None

    def _look(self) -> None:
        """With each new status read what changed since it was read last, or could not be read."""
        state = self._session.state
        status = state.status
        if status is None or state.heard_at == self._looked_at:
            return
        self._looked_at = state.heard_at
        if status.letters_changed != self._seen_letters:
            self._seen_letters = status.letters_changed
            self._session.read(
                "deadletter.list", state.read_dead_letters, self._forget_letters, limit=_LISTED
            )
        at = None if status.reconciled is None else status.reconciled.at
        if at != self._seen_run:
            self._seen_run = at
            self._session.read("reconciliation.get", state.read_reconciliation, self._forget_run)


def order_words(order: ReportedOrder) -> str:
    """Return an order in words."""
    price = "at market" if order.price is None else f"at {figures.exact(order.price)}"
    amount = figures.exact(order.amount)
    return f"{order.side.capitalize()} {amount} {order.symbol} {price}, {order.mode_word}"


def _where(letter: DeadLetter, status: EngineStatus | None) -> str:
    if status is None:
        return ""
    if letter.mode != status.mode:
        return f"It is for {letter.mode} and orders go to {status.mode} now: it will be refused."
    if letter.mode == Mode.PAPER:
        return "It goes to paper."
    if status.simulated:
        return "It goes to the simulated exchange."
    return f"It goes to {status.exchange} with REAL MONEY."
