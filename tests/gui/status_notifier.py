"""The part of a desktop that Qt needs before it offers a tray icon over D-Bus, for tests.

``python -m`` this serves ``org.kde.StatusNotifierWatcher`` on the session bus; it says ``ready``,
and ``item`` for every icon that registers.
"""

import sys

from PySide6.QtCore import QCoreApplication
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusVariant, QDBusVirtualObject

NAME = "org.kde.StatusNotifierWatcher"
PATH = "/StatusNotifierWatcher"
PROPERTIES: dict[str, object] = {"IsStatusNotifierHostRegistered": True, "ProtocolVersion": 0}


class Watcher(QDBusVirtualObject):
    """Takes every icon and shows none."""

    def introspect(self, _path: str) -> str:
        """Describe nothing: Qt does not ask."""
        return ""

    def handleMessage(  # noqa: N802 - Qt's name
        self, message: QDBusMessage, connection: QDBusConnection
    ) -> bool:
        """Answer a call."""
        match message.member():
            case "Get":
                answer: list[object] = [QDBusVariant(PROPERTIES[message.arguments()[1]])]
            case "RegisterStatusNotifierItem":
                sys.stdout.write("item\n")
                answer = []
            case _:
                return False
        connection.send(message.createReply(answer))
        sys.stdout.flush()
        return True


def main() -> int:
    """Serve until killed."""
    app = QCoreApplication(sys.argv)
    bus = QDBusConnection.sessionBus()
    watcher = Watcher()
    if not (bus.registerVirtualObject(PATH, watcher) and bus.registerService(NAME)):
        sys.stderr.write(f"{NAME} could not be served\n")
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
