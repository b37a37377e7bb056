"""Positions and balances, under the equity."""

from decimal import Decimal
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from cryptobot.gui import figures
from cryptobot.gui.holdings import Balance, Portfolio, Position
from cryptobot.gui.market_age import Age
from cryptobot.gui.models.columns import Column
from cryptobot.gui.models.rows import RowsModel
from cryptobot.gui.theme import figure_font
from cryptobot.gui.tokens import Tokens
from cryptobot.gui.views.data_table import DataTable
from cryptobot.gui.views.words import label, set_role

_MANY: Final = 1_000


def _gain_ink(value: Decimal | None, t: Tokens) -> str | None:
    if not value:
        return t.muted
    return t.up if value > 0 else t.down


def _price(value: Decimal | None) -> str:
    return figures.rounded(value, 2 if value is None or abs(value) >= 1 else 6)


def _held(value: Decimal) -> str:
    """Return an amount so short that it is never cut; the tooltip has it whole."""
    return figures.rounded(value, 2) if abs(value) >= _MANY else figures.exact(value)


POSITION_COLUMNS: tuple[Column[Position], ...] = (
    Column("Symbol", lambda p: p.symbol, "DOGE/USDT"),
    Column("Amount", lambda p: figures.exact(p.amount), "0.1234567", figures=True),
    Column(
        "Unrealized",
        lambda p: figures.rounded(p.unrealized, 2, sign=True),
        "+1,000.00",
        figures=True,
        ink=lambda p, t: _gain_ink(p.unrealized, t),
    ),
    Column(
        "Realized",
        lambda p: figures.rounded(p.realized, 2, sign=True),
        "+1,000.00",
        figures=True,
        ink=lambda p, t: _gain_ink(p.realized, t),
    ),
    Column("Average", lambda p: _price(p.average), "64,000.00", figures=True),
    Column("Mark", lambda p: _price(p.mark), "64,000.00", figures=True),
)

BALANCE_COLUMNS: tuple[Column[Balance], ...] = (
    Column("Asset", lambda b: b.asset, "USDT"),
    Column("Free", lambda b: _held(b.free), "100,000.00", figures=True),
    Column("Locked", lambda b: _held(b.locked), "10,000.00", figures=True),
    Column("Total", lambda b: _held(b.total), "100,000.00", figures=True),
)


def _position_tip(p: Position) -> str:
    return (
        f"{p.symbol}: {figures.exact(p.amount)} at {figures.exact(p.average)} on average\n"
        f"Mark {figures.exact(p.mark)}\nUnrealized {figures.exact(p.unrealized)}, "
        f"realized {figures.exact(p.realized)}"
    )


def _balance_tip(b: Balance) -> str:
    free, locked = figures.exact(b.free), figures.exact(b.locked)
    return f"{b.asset}: {free} free + {locked} in open orders = {figures.exact(b.total)}"


class PortfolioView(QWidget):
    """The equity as a headline, positions above balances."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.equity = QLabel(figures.NONE)
        self.equity.setFont(figure_font(15, bold=True))
        self.gain = QLabel()
        self.gain.setFont(figure_font(9))
        self.positions = RowsModel(POSITION_COLUMNS, _position_tip, self)
        self.balances = RowsModel(BALANCE_COLUMNS, _balance_tip, self)
        tables = QSplitter(Qt.Orientation.Vertical)
        tables.setChildrenCollapsible(False)
        tables.setHandleWidth(1)
        tables.addWidget(
            DataTable(
                self.positions,
                POSITION_COLUMNS,
                "Positions",
                "No positions. They come with the first fill.",
                drop_to_fit=True,
            )
        )
        tables.addWidget(
            DataTable(
                self.balances,
                BALANCE_COLUMNS,
                "Balances",
                "No balances reported yet.",
                drop_to_fit=True,
            )
        )
        tables.setStretchFactor(0, 2)
        tables.setStretchFactor(1, 3)
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 6)
        head.setSpacing(10)
        head.addWidget(label("Equity", "muted"))
        head.addWidget(self.equity)
        head.addStretch()
        head.addWidget(self.gain)
        self._gain_words = ""
        self._age_words = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(tables)

    def show_portfolio(self, portfolio: Portfolio | None, *, stale: bool) -> None:
        """Show what the account holds; ``stale`` greys it."""
        self.setEnabled(not stale)
        if portfolio is None:
            return
        self.equity.setText(f"{figures.rounded(portfolio.equity, 2)} {portfolio.currency}")
        open_gain = sum((p.unrealized or Decimal(0) for p in portfolio.positions), Decimal(0))
        self._gain_words = f"open {figures.rounded(open_gain, 2, sign=True)}"
        self._say_gain()
        self.gain.setToolTip("Unrealized profit and loss of all positions of the current mode")
        self.positions.show(portfolio.positions)
        self.balances.show([b for b in portfolio.balances if b.total or b.locked])

    def show_age(self, age: Age) -> None:
        """Say when what the account is worth was reckoned with old prices."""
        if age.words != self._age_words:
            self._age_words = age.words
            self.equity.setEnabled(not age.old)
            set_role(self.gain, "warn" if age.old else "")
            self._say_gain()

    def _say_gain(self) -> None:
        self.gain.setText(self._age_words if self._gain_words else "")
        if not self._age_words:
            self.gain.setText(self._gain_words)
