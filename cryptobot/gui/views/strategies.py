"""The strategies: what runs, what failed and why, start and stop."""

import json

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from cryptobot.gui import figures
from cryptobot.gui.models.columns import Column
from cryptobot.gui.models.rows import RowsModel
from cryptobot.gui.reported import StrategyRow
from cryptobot.gui.views.chips import StateChip
from cryptobot.gui.views.data_table import DataTable
from cryptobot.gui.views.words import ElidedLabel, set_role

STRATEGY_COLUMNS: tuple[Column[StrategyRow], ...] = (
    Column("Strategy", lambda s: s.name, "moving_average"),
    Column("State", lambda s: s.state, "STOPPED 8"),
    Column("Orders", lambda s: f"{s.orders:,}", "1,000", figures=True),
    Column("Fills", lambda s: f"{s.fills:,}", "1,000", figures=True),
    Column("Symbol", lambda s: s.symbol or figures.NONE, "DOGE/USDT"),
)
_STATE = 1


def _tooltip(row: StrategyRow) -> str:
    told = [f"{row.name} ({row.origin})" if row.origin else row.name]
    told += [
        f"{name} = {json.dumps(value)}" for name, value in {**row.defaults, **row.params}.items()
    ]
    if row.error:
        told.append(f"Error: {row.error}")
    return "\n".join(told)


class StrategiesView(QWidget):
    """The list, the chosen one's settings or error, and the two buttons.

    Signals:
        start: Name of the strategy to start.
        stop: Name of the strategy to stop.
    """

    start = Signal(str)
    stop = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = RowsModel(STRATEGY_COLUMNS, _tooltip, self)
        self.table = DataTable(
            self.model,
            STRATEGY_COLUMNS,
            "Strategies",
            "No strategies known. The engine loads the built-in ones and those of your folder.",
            drop_to_fit=True,
        )
        self.table.setSelectionMode(self.table.SelectionMode.SingleSelection)
        self.table.setItemDelegateForColumn(_STATE, StateChip(self.table))
        self.table.selectionModel().selectionChanged.connect(self._chosen)
        self.told = ElidedLabel()
        self.start_button = QPushButton("S&tart")
        self.stop_button = QPushButton("St&op")
        self.start_button.clicked.connect(self._ask_start)
        self.stop_button.clicked.connect(self._ask_stop)
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 6, 12, 8)
        bar.setSpacing(6)
        bar.addWidget(self.told, 1)
        bar.addWidget(self.start_button)
        bar.addWidget(self.stop_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.table)
        column.addLayout(bar)
        self._alive = False
        self._chosen()

    def show_strategies(self, rows: tuple[StrategyRow, ...], *, alive: bool) -> None:
        """Show ``rows``; the buttons work while the engine is ``alive``."""
        self._alive = alive
        self.table.setEnabled(alive)  # greyed: what it says is not current
        self.model.show(rows)
        self._chosen()

    def say(self, words: str) -> None:
        """Say why a start or stop did not work."""
        set_role(self.told, "problem")
        self.told.setText(words)

    def selected(self) -> StrategyRow | None:
        """Return the chosen strategy."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.row_at(rows[0].row()) if rows else None

    def _chosen(self) -> None:
        row = self.selected()
        running = row is not None and row.state == "running"
        self.start_button.setEnabled(self._alive and row is not None and not running)
        self.stop_button.setEnabled(self._alive and running)
        failed = next((each for each in (row, *self._failed()) if each and each.error), None)
        if failed is not None:
            set_role(self.told, "problem")
            self.told.setText(f"{failed.name}: {failed.error}")
        else:
            set_role(self.told, "faint")
            self.told.setText("" if row else "Choose one to start or stop it")

    def _failed(self) -> list[StrategyRow]:
        rows = (self.model.row_at(at) for at in range(self.model.rowCount()))
        return [row for row in rows if row.state == "failed"]

    def _ask_start(self) -> None:
        row = self.selected()
        if row is not None:
            self.start.emit(row.name)

    def _ask_stop(self) -> None:
        row = self.selected()
        if row is not None:
            self.stop.emit(row.name)
