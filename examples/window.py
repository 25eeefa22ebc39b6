#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["PySide6-Essentials>=6.7,<7"]
# [tool.pyscript]
# gui = true
# ///
"""A kitchen timer in a window: scroll to set the minutes, click to start and stop.

    window.py                           25 minutes
    window.py 4 --label Coffee
    window.py --screenshot timer.png    save a picture of the window instead; needs no screen

Without a screen it saves the picture to timer.png.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

SIZE = 360
PAPER, RING, HAND, INK = QColor("#fbf8f1"), QColor("#e6dfd0"), QColor("#e07a5f"), QColor("#3d3a36")


class KitchenTimer(QWidget):
    """A ring that empties as the time passes."""

    def __init__(self, minutes: int, label: str) -> None:
        super().__init__(windowTitle=label)
        self.setFixedSize(SIZE, SIZE)
        self.label = label
        self.total_s = self.left_s = minutes * 60
        self.clock = QTimer(self, interval=1000)
        self.clock.timeout.connect(self.tick)

    def tick(self) -> None:
        """Take one second off; at the end come to the front and ring."""
        self.left_s -= 1
        if self.left_s <= 0:
            self.clock.stop()
            self.raise_()
            QApplication.beep()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start or stop; start anew when the time is over."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self.left_s <= 0:
            self.left_s = self.total_s
        if self.clock.isActive():
            self.clock.stop()
        else:
            self.clock.start()
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Set the minutes."""
        step = 60 if event.angleDelta().y() > 0 else -60
        self.total_s = self.left_s = min(max(self.total_s + step, 60), 99 * 60)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring, the time and what the next click does."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(event.rect(), PAPER)
        ring = QRectF(40, 40, SIZE - 80, SIZE - 80)
        sixteenths_of_degree = round(360 * 16 * self.left_s / self.total_s)
        for colour, span in ((RING, 360 * 16), (HAND, sixteenths_of_degree)):
            painter.setPen(QPen(colour, 22, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawArc(ring, 90 * 16, span)
        hint = "click to stop" if self.clock.isActive() else "click to start"
        painter.setPen(INK)
        for text, size, height in ((self.label, 15, -58), (self.time_left(), 46, 0), (hint, 11, 58)):
            painter.setFont(QFont("Sans Serif", size))
            painter.drawText(self.rect().translated(0, height), Qt.AlignmentFlag.AlignCenter, text)

    def time_left(self) -> str:
        """Return the time left as "24:59"."""
        return f"{self.left_s // 60}:{self.left_s % 60:02}"


def main() -> None:
    """Read the command line, show the window."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", nargs="?", type=int, choices=range(1, 100), default=25, metavar="MINUTES")
    parser.add_argument("--label", default="Kitchen timer", help="what the time is for")
    parser.add_argument("--screenshot", type=Path, metavar="PNG", help="save a picture and end")
    options = parser.parse_args()

    has_screen = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not has_screen:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication(sys.argv[:1])
    timer = KitchenTimer(options.minutes, options.label)
    if options.screenshot or not has_screen:
        timer.left_s = timer.total_s * 2 // 3
        picture, path = timer.grab(), options.screenshot or Path("timer.png")
        picture.save(str(path))
        print(f"{path}: {picture.width()} x {picture.height()} pixels, {timer.time_left()} left")
        return
    timer.show()
    sys.exit(app.exec())


if __name__ == "__main__":
    main()
