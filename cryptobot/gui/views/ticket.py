"""The order ticket: says what is wrong while one types, and where the order would go."""

from decimal import Decimal
from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.money import plain
from cryptobot.domain.order import OrderIntent, OrderType, Side, TimeInForce
from cryptobot.gui import figures
from cryptobot.gui.banner_state import Face
from cryptobot.gui.models.order_columns import ARROW
from cryptobot.gui.theme import figure_font, ui_font
from cryptobot.gui.ticket_rules import Draft, Field, Verdict, judge
from cryptobot.gui.views.choice_box import ChoiceBox
from cryptobot.gui.views.ticket_fields import (
    choice_widget,
    exclusive,
    field_widget,
    problem_widget,
)
from cryptobot.gui.views.words import BrokenLabel, ElidedButton, ElidedLabel, label, set_role

_TYPES: Final = (
    ("&Limit", OrderType.LIMIT),
    ("&Market", OrderType.MARKET),
    ("Ma&ker", OrderType.LIMIT_MAKER),
)
_ABOUT: Final = "\N{ALMOST EQUAL TO} "
_FACE_WORD = {Face.LIVE: "LIVE", Face.PAPER: "PAPER", Face.SIMULATED: "SIMULATED"}


class TicketView(QWidget):
    """Symbol, side, type, amount, price, time in force, and the button.

    Signals:
        submitted: An ``OrderIntent`` to send.
        symbol_changed: The chosen symbol.
        edited: Another order is being typed.
    """

    submitted = Signal(object)
    symbol_changed = Signal(str)
    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._instruments: dict[str, Instrument] = {}
        self._face = Face.CONNECTING
        self._halted = False
        self._best: tuple[Decimal | None, Decimal | None] = (None, None)
        self._no_price = ""
        self._sending = False
        self.verdict = Verdict(None, {}, None)
        self.symbol = ChoiceBox()
        self.symbol.setAccessibleName("Symbol")
        self.buy = choice_widget(f"{ARROW[Side.BUY]}  &Buy", "buy")
        self.sell = choice_widget(f"{ARROW[Side.SELL]}  &Sell", "sell")
        self.types = {kind: choice_widget(words, "segment") for words, kind in _TYPES}
        self.amount = field_widget("Amount")
        self.price = field_widget("Price")
        self.time_in_force = ChoiceBox()
        self.time_in_force.setAccessibleName("Time in force")
        for value, meaning in (
            (TimeInForce.GTC, "until cancelled"),
            (TimeInForce.IOC, "what fills at once"),
            (TimeInForce.FOK, "whole at once or not"),
        ):
            self.time_in_force.addItem(f"{value}  {meaning}", value)
        self.amount_problem = problem_widget()
        self.price_problem = problem_widget()
        self.value = ElidedLabel(figures.NONE)
        self.value.setFont(figure_font(9.5, bold=True))
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.submit = ElidedButton()
        self.submit.setFont(ui_font(10, bold=True))
        self.submit.setMinimumHeight(36)
        self.result = BrokenLabel()
        """Stands under the ticket, wherever that is put: it must not scroll out of sight."""
        self.result.setContentsMargins(12, 2, 12, 8)
        self.result.hide()
        self._units = {Field.AMOUNT: label(role="muted"), Field.PRICE: label(role="muted")}
        self._lay_out()
        self._wire()
        self.buy.toggle()
        self.types[OrderType.LIMIT].toggle()
        self._judge()

    def show_instruments(
        self, instruments: dict[str, Instrument], symbols: tuple[str, ...]
    ) -> None:
        """Offer ``symbols`` (or all there are rules for), keeping the chosen one."""
        self._instruments = instruments
        names = list(symbols or instruments)
        if names != [self.symbol.itemText(at) for at in range(self.symbol.count())]:
            chosen = self.symbol.currentText()
            with QSignalBlocker(self.symbol):
                self.symbol.clear()
                self.symbol.addItems(names)
                if chosen in names:
                    self.symbol.setCurrentText(chosen)
            if self.symbol.currentText() != chosen:
                self.symbol_changed.emit(self.symbol.currentText())
        self._judge()

    def show_market(self, bid: Decimal | None, ask: Decimal | None, why_not: str = "") -> None:
        """Value market orders at these prices; ``why_not`` says why there are none."""
        if (bid, ask, why_not) != (*self._best, self._no_price):
            self._best, self._no_price = (bid, ask), why_not
            self._judge()

    def show_mode(self, face: Face, *, halted: bool) -> None:
        """Say on the button where the order would go; nothing goes without a known mode."""
        if (face, halted) != (self._face, self._halted):
            self._face, self._halted = face, halted
            self._judge()

    def show_result(self, words: str, role: str) -> None:
        """Say what became of the order sent; ``role`` is a role of the style sheet."""
        self._sending = False
        self.result.setText(words)
        self.result.show()
        set_role(self.result, role)
        self._judge()

    def hide_result(self) -> None:
        """Take away what was said of the order before."""
        self.result.clear()
        self.result.hide()

    def take_price(self, price: Decimal) -> None:
        """Put ``price`` into the ticket."""
        if self.chosen_type is OrderType.MARKET:
            self.types[OrderType.LIMIT].setChecked(True)
        self.price.setText(plain(price))

    @property
    def chosen_side(self) -> Side:
        """The side chosen."""
        return Side.BUY if self.buy.isChecked() else Side.SELL

    @property
    def chosen_type(self) -> OrderType:
        """The type chosen."""
        chosen = (kind for kind, button in self.types.items() if button.isChecked())
        return next(chosen, OrderType.LIMIT)

    def _judge(self) -> None:
        symbol, side, kind = self.symbol.currentText(), self.chosen_side, self.chosen_type
        instrument = self._instruments.get(symbol)
        draft = Draft(
            symbol,
            side,
            kind,
            self.amount.text(),
            self.price.text(),
            TimeInForce(self.time_in_force.currentData()),
        )
        reference = self._best[1] if side is Side.BUY else self._best[0]
        self.verdict = judge(draft, instrument, reference)
        self.price.setEnabled(kind is not OrderType.MARKET)
        self.price.setPlaceholderText("best on the book" if kind is OrderType.MARKET else "")
        self.time_in_force.setEnabled(kind is OrderType.LIMIT)
        self._say(Field.AMOUNT, self.amount, self.amount_problem)
        self._say(Field.PRICE, self.price, self.price_problem)
        self._units[Field.AMOUNT].setText(instrument.base if instrument else "")
        self._units[Field.PRICE].setText(instrument.quote if instrument else "")
        quote = instrument.quote if instrument else ""
        about = "" if self.verdict.value is None or kind is not OrderType.MARKET else _ABOUT
        blind = kind is OrderType.MARKET and bool(self._no_price)
        if self.verdict.value is not None:
            self.value.setText(f"{about}{figures.rounded(self.verdict.value, 2)} {quote}")
        else:
            self.value.setText(self._no_price if blind else figures.NONE)
        set_role(self.value, "warn" if blind else "")
        self._label_button(side, instrument)

    def _label_button(self, side: Side, instrument: Instrument | None) -> None:
        set_role(self.submit, "submitBuy" if side is Side.BUY else "submitSell")
        mode = _FACE_WORD.get(self._face)
        intent = self.verdict.intent
        if self._sending:
            words = "Sending..."
        elif mode is None:
            words = "No engine"
        elif self._halted:
            words = "Trading is halted"
        elif intent is None:
            words = (
                f"{side.capitalize()} {instrument.base if instrument else ''} \N{EN DASH} {mode}"
            )
        else:
            base = instrument.base if instrument else ""
            words = f"{side.capitalize()} {plain(intent.amount)} {base} \N{EN DASH} {mode}"
        self.submit.setText(words)
        able = intent is not None and mode is not None
        self.submit.setEnabled(able and not self._halted and not self._sending)

    def _say(self, field: Field, entry: QLineEdit, place: ElidedLabel) -> None:
        words = self.verdict.problems.get(field, "")
        place.setText(words)
        if entry.property("wrong") is not bool(words):
            entry.setProperty("wrong", bool(words))
            entry.style().unpolish(entry)
            entry.style().polish(entry)

    def _submit(self) -> None:
        intent: OrderIntent | None = self.verdict.intent
        if intent is not None and self.submit.isEnabled():
            self.submitted.emit(intent)

    def begin_sending(self) -> None:
        """Keep the button from being pressed twice until ``show_result``."""
        self._sending = True
        self.hide_result()
        self._judge()

    def _symbol_chosen(self, symbol: str) -> None:
        self._best = (None, None)
        self.price.clear()
        self.symbol_changed.emit(symbol)
        self._judge()

    def _wire(self) -> None:
        self.symbol.currentTextChanged.connect(self._symbol_chosen)
        for button in (self.buy, self.sell, *self.types.values()):
            button.toggled.connect(self._judge)
            button.toggled.connect(self.edited)
        for entry in (self.amount, self.price):
            entry.textChanged.connect(self._judge)
            entry.textChanged.connect(self.edited)
            entry.returnPressed.connect(self._submit)
        self.time_in_force.currentIndexChanged.connect(self._judge)
        self.time_in_force.currentIndexChanged.connect(self.edited)
        self.symbol_changed.connect(self.edited)
        self.submit.clicked.connect(self._submit)

    def _lay_out(self) -> None:
        sides = QHBoxLayout()
        sides.setSpacing(6)
        sides.addWidget(self.buy)
        sides.addWidget(self.sell)
        kinds = QHBoxLayout()
        kinds.setSpacing(6)
        for button in self.types.values():
            kinds.addWidget(button)
        self._groups = [
            exclusive(self, self.buy, self.sell),
            exclusive(self, *self.types.values()),
        ]
        form = QGridLayout()
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(2)
        form.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget, QWidget | None, QWidget | None], ...] = (
            ("&Amount", self.amount, self._units[Field.AMOUNT], self.amount_problem),
            ("P&rice", self.price, self._units[Field.PRICE], self.price_problem),
            ("&In force", self.time_in_force, None, None),
        )
        for at, (name, entry, unit, problem) in enumerate(rows):
            title = QLabel(name)
            title.setProperty("role", "muted")
            title.setBuddy(entry)
            form.addWidget(title, 2 * at, 0)
            form.addWidget(entry, 2 * at, 1, 1, 1 if unit else 2)
            if unit is not None:
                form.addWidget(unit, 2 * at, 2)
            if problem is not None:
                form.addWidget(problem, 2 * at + 1, 0, 1, 3)
        worth = QHBoxLayout()
        worth.addWidget(label("Value", "muted"))
        worth.addWidget(self.value, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(7)
        column.addWidget(self.symbol)
        column.addLayout(sides)
        column.addLayout(kinds)
        column.addLayout(form)
        column.addLayout(worth)
        column.addWidget(self.submit)
        column.addStretch()
