"""The order blotter: every order, what became of it, and what can be done about it."""

from collections.abc import Mapping

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QTabBar, QVBoxLayout, QWidget

from cryptobot.domain.order import OrderState
from cryptobot.gui.models.order_columns import ORDER_COLUMNS, OrderColumn
from cryptobot.gui.models.orders import OrderFilter, OrdersModel
from cryptobot.gui.reported import ReportedOrder
from cryptobot.gui.views.chips import StateChip
from cryptobot.gui.views.data_table import DataTable

_HINTS = {
    OrderFilter.OPEN: "No open orders. Place one in the ticket, or start a strategy.",
    OrderFilter.ALL: "No orders yet. Place one in the ticket, or start a strategy.",
    OrderFilter.UNRESOLVED: "No unresolved orders. Every outcome is known.",
    OrderFilter.FAILED: "No failed live orders.",
    OrderFilter.DENIED: "No denied orders. Orders that break a rule or a limit end up here.",
}

_TIPS = {
    OrderFilter.OPEN: "May still trade",
    OrderFilter.ALL: "The newest orders, live and paper, and every open one",
    OrderFilter.UNRESOLVED: "Sent, outcome not known yet; each is being looked up",
    OrderFilter.FAILED: "Live orders that count as failed: rejected by the exchange, or once "
    "without a known outcome.\nRejections on paper are not counted: type \u201crejected\u201d "
    "into the filter.",
    OrderFilter.DENIED: "Refused by the engine before they were sent: a rule, a limit, the fence",
}


_REASONED = {OrderFilter.UNRESOLVED, OrderFilter.FAILED, OrderFilter.DENIED}
"""Where the reason matters more than the figures."""
_WITH_REASON = (
    OrderColumn.TIME,
    OrderColumn.SYMBOL,
    OrderColumn.SIDE,
    OrderColumn.STATE,
    OrderColumn.REASON,
)


class BlotterView(QWidget):
    """Filter tabs, a search field and the table.

    Signals:
        cancel: Ids of the orders to cancel.
        settle: An order whose unknown outcome a person wants to settle.
    """

    cancel = Signal(list)
    settle = Signal(ReportedOrder)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = OrdersModel(self)
        self.tabs = QTabBar()
        self.tabs.setObjectName("filter")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName("Which orders")
        for which in OrderFilter:
            at = self.tabs.addTab(which.value)
            self.tabs.setTabToolTip(at, _TIPS[which])
        self.tabs.setCurrentIndex(list(OrderFilter).index(OrderFilter.ALL))
        self.search = QLineEdit(placeholderText="Filter: symbol, id, origin, reason")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Filter orders")
        self.search.setMaximumWidth(280)
        self.table = DataTable(
            self.model,
            ORDER_COLUMNS,
            "Orders",
            _HINTS[OrderFilter.ALL],
            drop_to_fit=True,
            last_takes_rest=True,
        )
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(OrderColumn.TIME, Qt.SortOrder.DescendingOrder)
        self.table.setItemDelegateForColumn(OrderColumn.STATE, StateChip(self.table))
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._menu)
        self.cancel_action = QAction("&Cancel order", self.table)
        self.cancel_action.setShortcut(QKeySequence(Qt.Key.Key_Delete))
        self.cancel_action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.cancel_action.triggered.connect(self._cancel_selected)
        self.table.addAction(self.cancel_action)
        self.tabs.currentChanged.connect(self._refilter)
        self.search.textChanged.connect(self._refilter)
        self._refilter()
        self._lay_out()

    def apply(self, changed: Mapping[str, ReportedOrder]) -> None:
        """Show new and changed orders."""
        self.model.apply(changed)
        for at, which in enumerate(OrderFilter):
            number = self.model.counts[which]
            words = f"{which.value}  {number:,}" if number else which.value
            if self.tabs.tabText(at) != words:
                self.tabs.setTabText(at, words)

    def selected(self) -> list[ReportedOrder]:
        """Return the chosen orders."""
        return [
            self.model.order_at(index.row()) for index in self.table.selectionModel().selectedRows()
        ]

    def _refilter(self) -> None:
        which = list(OrderFilter)[self.tabs.currentIndex()]
        self.table.hint = "No order matches the filter." if self.search.text() else _HINTS[which]
        self.model.show_only(which, self.search.text())
        if which in _REASONED:
            self.table.prefer(_WITH_REASON)
        else:
            self.table.prefer((), left_out=(OrderColumn.REASON,))

    def _cancel_selected(self) -> None:
        ids = [order.order_id for order in self.selected() if order.is_open]
        if ids:
            self.cancel.emit(ids)

    def _menu(self, at: QPoint) -> None:
        chosen = self.selected()
        if chosen:
            self.menu_for(chosen).popup(self.table.viewport().mapToGlobal(at))

    def menu_for(self, chosen: list[ReportedOrder]) -> QMenu:
        """Return the context menu for ``chosen``."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        able = sum(order.is_open for order in chosen)
        self.cancel_action.setText("&Cancel order" if able < 2 else f"&Cancel {able} orders")  # noqa: PLR2004 - the plural
        self.cancel_action.setEnabled(able > 0)
        menu.aboutToHide.connect(lambda: self.cancel_action.setEnabled(True))
        menu.addAction(self.cancel_action)
        settle = menu.addAction("&Settle outcome...")
        one = chosen[0] if len(chosen) == 1 else None
        settle.setEnabled(one is not None and one.state is OrderState.UNRESOLVED)
        settle.triggered.connect(lambda: self.settle.emit(one))
        menu.addSeparator()
        for title, ids in (
            ("Copy &order id", [order.order_id for order in chosen]),
            ("Copy c&lient order id", [order.client_order_id for order in chosen]),
            ("Copy &exchange order id", [order.exchange_order_id for order in chosen]),
            ("Copy &request id", [order.request_id for order in chosen]),
        ):
            words = "\n".join(filter(None, ids))
            action = menu.addAction(title)
            action.setEnabled(bool(words))
            action.triggered.connect(lambda _=False, words=words: copy(words))
        return menu

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 4)
        bar.addWidget(self.tabs)
        bar.addStretch()
        bar.addWidget(self.search, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.table)


def copy(words: str) -> None:
    """Put ``words`` on the clipboard."""
    QGuiApplication.clipboard().setText(words)
