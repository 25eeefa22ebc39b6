"""A program of its own: shows one window with tkinter and tells what becomes of it. `tk_window` starts it.

It reads lines of JSON, first what to show, and writes such lines: ``shown`` once the window is on the screen, or
``unavailable`` with the reason, then ``accepted`` or ``cancelled``. At the end of its input the window goes.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    # It is started as a file, isolated; the standard library still comes first.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

if TYPE_CHECKING:
    from launcher.desktop.tk_dialogs import Dialog

_LISTENING_MS = 30


class Program:
    """One window, from what is to be shown to its end."""

    def __init__(self) -> None:
        self._incoming: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def run(self) -> None:
        """Show what the first line says until the person or the end of the input closes it."""
        message = self._incoming.get()
        if message is None:
            return
        import tkinter  # noqa: PLC0415 - what it raises has to be told

        from launcher.desktop.tk_dialogs import make_dialog  # noqa: PLC0415
        from launcher.desktop.tk_look import Look, make_root  # noqa: PLC0415

        root = make_root()
        dialog = make_dialog(Look(root), message, self.tell)
        root.report_callback_exception = lambda _kind, error, _trace: self._fail(dialog, error)
        dialog.window.bind("<Map>", lambda _: self._shown(dialog), add=True)
        dialog.appear()
        self._listen(dialog)
        root.mainloop()
        # Off the screen before anybody is told so by our end.
        with suppress(tkinter.TclError):
            dialog.window.withdraw()
            root.update()
            root.destroy()
        if self._error is not None:
            raise self._error

    def tell(self, event: str, **more: str) -> None:
        """Write what happened; nobody may be left to read it."""
        with suppress(OSError):
            os.write(1, json.dumps({"event": event, **more}).encode() + b"\n")

    def _shown(self, dialog: Dialog) -> None:
        if not dialog.is_shown:
            dialog.is_shown = True
            self.tell("shown")

    def _read(self) -> None:
        """Pass on what comes; not through `sys.stdin`, whose lock would be held when the interpreter ends."""
        rest = b""
        try:
            while chunk := os.read(0, 1 << 16):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._incoming.put(json.loads(line))
        finally:
            self._incoming.put(None)

    def _listen(self, dialog: Dialog) -> None:
        """Look for news now and then: Tk must only be called from the thread that made it."""
        try:
            while True:
                message = self._incoming.get_nowait()
                if message is None:
                    dialog.window.quit()
                    return
                dialog.update(message)
        except queue.Empty:
            dialog.window.after(_LISTENING_MS, self._listen, dialog)

    def _fail(self, dialog: Dialog, error: BaseException) -> None:
        """End at an error that nobody foresaw: a window that does not do what its buttons say is worse than none."""
        self._error = error
        dialog.window.quit()


def main() -> None:
    """Show a window; what keeps it from being shown is told."""
    program = Program()
    try:
        program.run()
    except Exception as error:
        program.tell("unavailable", reason=f"{type(error).__name__}: {error}")
        raise


if __name__ == "__main__":
    main()
