"""Shows a window and prints ``drawn`` after its first frame: ``python window_program.py ...``.

``bare`` is an empty QMainWindow; ``product STATE_DIR`` is ours.
"""

import sys
from pathlib import Path


def _drawn() -> None:
    sys.stdout.write("drawn\n")
    sys.stdout.flush()


def _bare() -> int:
    from PySide6.QtCore import QTimer  # noqa: PLC0415 - the imports are what is measured
    from PySide6.QtGui import QPaintEvent  # noqa: PLC0415
    from PySide6.QtWidgets import QApplication, QMainWindow  # noqa: PLC0415

    class Window(QMainWindow):
        told = False

        def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
            super().paintEvent(event)
            if not self.told:
                self.told = True
                QTimer.singleShot(0, _drawn)

    app = QApplication(sys.argv[:1])
    window = Window()
    window.resize(1400, 900)
    window.show()
    return app.exec()


def _product(state_dir: Path) -> int:
    from cryptobot.gui.app import WindowOptions, run  # noqa: PLC0415 - as above

    return run(WindowOptions(state_dir=state_dir, close_action="keep", on_drawn=_drawn))


if __name__ == "__main__":
    sys.exit(_bare() if sys.argv[1] == "bare" else _product(Path(sys.argv[2])))
