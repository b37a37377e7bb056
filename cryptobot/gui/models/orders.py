"""The order blotter's rows: thousands of them, sorted and filtered here.

The visible rows are kept as a list of ids by rising sort key; a falling sort only turns the index
around. A batch of changes costs one ``dataChanged``, or a few inserts found by bisection; only when
more than ``MANY_MOVES`` rows move is the list made anew.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from cryptobot.domain.order import OrderState
from cryptobot.gui.models.order_columns import ORDER_COLUMNS, OrderColumn, order_tooltip
from cryptobot.gui.reported import ReportedOrder

MANY_MOVES: Final = 200
_RISING, _FALLING = "\N{UPWARDS ARROW}", "\N{DOWNWARDS ARROW}"
_ROOT = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex


class OrderFilter(StrEnum):
    """Which orders are shown."""

    OPEN = "Open"
    ALL = "All"
    UNRESOLVED = "Unresolved"
    FAILED = "Failed"
    """What ``cryptobot_orders_failed_total`` counts, as the status strip's "Failed" does."""
    DENIED = "Denied"
    """Refused here, before the wire: no failure of the exchange."""


_BELONGS: Mapping[OrderFilter, Callable[[ReportedOrder], bool]] = {
    OrderFilter.OPEN: lambda order: order.is_open,
    OrderFilter.ALL: lambda _order: True,
    OrderFilter.UNRESOLVED: lambda order: order.state is OrderState.UNRESOLVED,
    OrderFilter.FAILED: lambda order: order.counts_as_failed,
    OrderFilter.DENIED: lambda order: order.state is OrderState.DENIED,
}


class OrdersModel(QAbstractTableModel):
    """Rows of ``ReportedOrder``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._orders: dict[str, ReportedOrder] = {}
        self._rows: list[tuple[Any, str]] = []
        self._keys: dict[str, tuple[Any, str]] = {}
        self._column = OrderColumn.TIME
        self._falling = True
        self._filter = OrderFilter.ALL
        self._words = ""
        self.counts: Counter[OrderFilter] = Counter()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of visible orders."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(ORDER_COLUMNS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        order = self.order_at(index.row())
        if role == Qt.ItemDataRole.ToolTipRole:
            return order_tooltip(order)
        return ORDER_COLUMNS[index.column()].data(order, role)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return a column's title."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            title = ORDER_COLUMNS[section].title
            if section != self._column:
                return title
            return f"{title} {_FALLING if self._falling else _RISING}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return ORDER_COLUMNS[section].alignment
        return None

    def order_at(self, row: int) -> ReportedOrder:
        """Return the order shown in ``row``."""
        return self._orders[self._rows[self._position(row)][1]]

    def apply(self, changed: Mapping[str, ReportedOrder]) -> None:
        """Take new and changed orders."""
        stay: list[str] = []
        moves: list[tuple[str, tuple[Any, str] | None]] = []
        for order in changed.values():
            self._count(order)
            key = self._key(order) if self._shows(order) else None
            if key != self._keys.get(order.order_id):
                moves.append((order.order_id, key))
            elif key is not None:
                stay.append(order.order_id)
        if len(moves) > MANY_MOVES:
            self._rebuild_with(changed)
            return
        self._orders.update(changed)
        for order_id, key in moves:
            self._move(order_id, key)
        self._redraw(stay)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by ``column``."""
        self._column = OrderColumn(column)
        self._falling = order is Qt.SortOrder.DescendingOrder
        self._rebuild()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(ORDER_COLUMNS) - 1)

    def show_only(self, which: OrderFilter, words: str = "") -> None:
        """Show the orders of ``which`` that contain ``words`` (symbol, origin, ids, reason)."""
        wanted = words.strip().lower()
        if (which, wanted) != (self._filter, self._words):
            self._filter, self._words = which, wanted
            self._rebuild()

    def _count(self, order: ReportedOrder) -> None:
        known = self._orders.get(order.order_id)
        for which, belongs in _BELONGS.items():
            before = known is not None and belongs(known)
            self.counts[which] += int(belongs(order)) - int(before)

    def _shows(self, order: ReportedOrder) -> bool:
        if not _BELONGS[self._filter](order):
            return False
        if not self._words:
            return True
        told = (order.symbol, order.origin, order.state, order.order_id, order.reason or "")
        ids = (order.client_order_id, order.exchange_order_id, order.side, order.mode_word)
        return self._words in " ".join((*told, *ids)).lower()

    def _key(self, order: ReportedOrder) -> tuple[Any, str]:
        key = ORDER_COLUMNS[self._column].key
        return (key(order) if key else order.created, order.order_id)

    def _position(self, row: int) -> int:
        return len(self._rows) - 1 - row if self._falling else row

    def _move(self, order_id: str, key: tuple[Any, str] | None) -> None:
        old = self._keys.pop(order_id, None)
        if old is not None:
            at = bisect_left(self._rows, old)
            row = self._position(at)
            self.beginRemoveRows(_ROOT, row, row)
            del self._rows[at]
            self.endRemoveRows()
        if key is not None:
            at = bisect_left(self._rows, key)
            row = len(self._rows) - at if self._falling else at
            self.beginInsertRows(_ROOT, row, row)
            self._rows.insert(at, key)
            self._keys[order_id] = key
            self.endInsertRows()

    def _redraw(self, order_ids: Iterable[str]) -> None:
        rows = [
            self._position(bisect_left(self._rows, self._keys[order_id])) for order_id in order_ids
        ]
        if rows:
            last = len(ORDER_COLUMNS) - 1
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), last))

    def _rebuild(self) -> None:
        self._rebuild_with({})

    def _rebuild_with(self, changed: Mapping[str, ReportedOrder]) -> None:
        """Make the list anew; what is selected stays selected."""
        self.layoutAboutToBeChanged.emit()
        kept = [
            (index, self.order_at(index.row()).order_id) for index in self.persistentIndexList()
        ]
        self._orders.update(changed)
        self._keys = {
            order_id: self._key(order)
            for order_id, order in self._orders.items()
            if self._shows(order)
        }
        self._rows = sorted(self._keys.values())
        for index, order_id in kept:
            key = self._keys.get(order_id)
            moved = QModelIndex()
            if key is not None:
                row = self._position(bisect_left(self._rows, key))
                moved = self.index(row, index.column())
            self.changePersistentIndex(index, moved)
        self.layoutChanged.emit()
