"""Our trades, newest first."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cryptobot.gui import figures
from cryptobot.gui.models.columns import Column
from cryptobot.gui.models.order_columns import side_ink, side_text
from cryptobot.gui.models.rows import RowsModel
from cryptobot.gui.reported import ReportedFill
from cryptobot.gui.views.data_table import DataTable

SHOWN: Final = 500

FILL_COLUMNS: tuple[Column[ReportedFill], ...] = (
    Column("Time", lambda f: figures.clock_ms(f.at), "00:00:00.000", figures=True),
    Column("Symbol", lambda f: f.symbol, "DOGE/USDT"),
    Column(
        "Side",
        lambda f: side_text(f.side),
        "\N{BLACK UP-POINTING TRIANGLE} Sell",
        ink=lambda f, t: side_ink(f.side, t),
    ),
    Column("Amount", lambda f: figures.exact(f.amount), "0.00000", figures=True),
    Column("Price", lambda f: figures.exact(f.price), "100,000.00", figures=True),
    Column("Value", lambda f: figures.rounded(f.price * f.amount, 2), "100,000.00", figures=True),
    Column(
        "Fee", lambda f: f"{figures.exact(f.fee)} {f.fee_currency}", "0.00001234 USDT", figures=True
    ),
    Column("Liquidity", lambda f: f.liquidity.capitalize(), "Maker"),
    Column("Mode", lambda f: f.mode_word, "SIMULATED"),
    Column("Order id", lambda f: f.order_id[:8], "0123abcd", figures=True),
)


def _tooltip(fill: ReportedFill) -> str:
    fee = f"{figures.exact(fill.fee)} {fill.fee_currency}"
    told = f"{fill.mode_word.lower()}, {fill.liquidity}, fee {fee}"
    return f"Trade {fill.trade_id}\nOrder {fill.order_id}\n{figures.utc(fill.at)}\n{told}"


class FillsView(QWidget):
    """The newest ``SHOWN`` of our trades."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = RowsModel(FILL_COLUMNS, _tooltip, self)
        self.table = DataTable(
            self.model,
            FILL_COLUMNS,
            "Fills",
            "No fills yet. Each trade of our orders appears here.",
            drop_to_fit=True,
            last_takes_rest=True,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table)

    def show_fills(self, fills: Sequence[ReportedFill]) -> None:
        """Show ``fills``, which come oldest first."""
        self.model.show(fills[: -SHOWN - 1 : -1])
