"""The three windows as tkinter shows them: a question, a failure, progress."""

from __future__ import annotations

import tkinter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from tkinter import ttk
from typing import Any

from launcher.desktop.shown_text import elided
from launcher.desktop.tk_look import Look
from launcher.desktop.tk_texts import Folded, Rows

Tell = Callable[[str], None]
"""Takes what happened: ``accepted`` or ``cancelled``."""

_WIDTH = 470
_COPIED_MS = 1_500
_HESITATING_MS = 700
"""A window that asks may come up just where somebody clicks a third time."""


class Dialog:
    """A window with our icon, a heading, a body and a band of buttons. Escape and closing it do `leave`."""

    picture = "icon"

    def __init__(self, look: Look, message: Mapping[str, Any], tell: Tell) -> None:
        self.look, self.tell = look, tell
        self.is_shown = False
        self.window = tkinter.Toplevel(look.root, class_="Pyscript")
        self.window.withdraw()
        self.window.configure(padx=0, pady=0, borderwidth=0, highlightthickness=0)
        self.window.title(look.drawable(message["title"]))
        look.dress(self.window)
        self.window.columnconfigure(0, weight=1)
        self.window.rowconfigure(0, weight=1)
        px = look.px
        paper = ttk.Frame(self.window, padding=(px(22), px(22), px(24), px(18)))
        paper.grid(sticky="nsew")
        paper.columnconfigure(1, weight=1, minsize=px(_WIDTH))
        ttk.Label(paper, image=look.image(self.picture)).grid(row=0, column=0, rowspan=9, sticky="n", padx=(0, px(18)))
        self.paper = paper
        self._heading(look.drawable(message["heading"]))
        ttk.Frame(self.window, style="Line.TFrame", height=1).grid(sticky="ew")
        self.band = ttk.Frame(self.window, style="Band.TFrame", padding=(px(22), px(12)))
        self.band.grid(sticky="ew")
        self.band.columnconfigure(0, weight=1)
        self.window.bind("<Escape>", lambda _: self.leave())
        self.window.protocol("WM_DELETE_WINDOW", self.leave)

    def leave(self) -> None:
        """Close the window without anything else."""
        self.window.quit()

    def update(self, message: Mapping[str, Any]) -> None:
        """Show something else; only progress has that."""

    def appear(self) -> None:
        """Put the window on the screen, in front and with the keyboard."""
        self.window.update_idletasks()
        self.window.minsize(self.window.winfo_reqwidth(), self.window.winfo_reqheight())
        self.window.resizable(False, False)
        self._centre()
        self.window.deiconify()
        self.window.lift()
        self.window.focus_force()

    def rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Add labels and the texts beside them."""
        frame = Rows(self.look, self.paper, rows, self.look.px(_WIDTH)).frame
        frame.grid(row=2, column=1, sticky="w", pady=(self.look.px(10), 0))

    def button(self, text: str, command: Callable[[], object], *, is_default: bool = False) -> ttk.Button:
        """Add a button on the right; the default one gets the keyboard, and Enter wherever no button has it."""
        style = "Default.TButton" if is_default else "TButton"
        button = ttk.Button(self.band, text=self.look.drawable(text), command=command, style=style)
        column = self.band.grid_size()[0] or 1
        button.grid(row=0, column=max(1, column), padx=(self.look.px(10), 0))
        for key in ("<Return>", "<KP_Enter>"):
            button.bind(key, _invoked(button))
            if is_default:
                self.window.bind(key, _invoked(button))
        if is_default:
            button.focus_set()
        return button

    def _heading(self, text: str) -> None:
        first, _, rest = text.partition("\n")
        width = self.look.px(_WIDTH)
        heading = ttk.Label(self.paper, text=first, style="Heading.TLabel", wraplength=width, justify="left")
        heading.grid(row=0, column=1, sticky="w")
        if rest:
            more = ttk.Label(self.paper, text=rest, wraplength=width, justify="left")
            more.grid(row=1, column=1, sticky="w", pady=(self.look.px(6), 0))

    def _centre(self) -> None:
        """Put it in the middle where no window manager does, and a little above, where it is looked for."""
        free_width = self.window.winfo_screenwidth() - self.window.winfo_reqwidth()
        free_height = self.window.winfo_screenheight() - self.window.winfo_reqheight()
        if self.look.root.tk.call("tk", "windowingsystem") != "x11":
            self.window.geometry(f"+{max(0, free_width // 2)}+{max(0, free_height * 2 // 5)}")


class QuestionDialog(Dialog):
    """Asks whether something may run; to reject it is the default."""

    def __init__(self, look: Look, message: Mapping[str, Any], tell: Tell) -> None:
        super().__init__(look, message, tell)
        if message["rows"]:
            self.rows(message["rows"])
        if message["source"]:
            folded = Folded(look, self.paper, "source", message["source"])
            folded.grid(row=3, column=1, pady=(look.px(10), 0))
        accept = self.button(message["accept"], self._accept)
        accept.configure(state="disabled", takefocus=True)
        self.window.bind(
            "<Map>", lambda _: self.window.after(_HESITATING_MS, lambda: accept.configure(state="normal")), add=True
        )
        letter = message["accept"][:1].lower()
        if letter.isascii() and letter.isalpha():
            accept.configure(underline=0)
            self.window.bind(f"<Alt-{letter}>", lambda _: accept.invoke())
        self.button(message["reject"], self.leave, is_default=True)

    def _accept(self) -> None:
        self.tell("accepted")
        self.window.quit()


class FailureDialog(Dialog):
    """Tells what went wrong; all of it can be unfolded and copied."""

    picture = "failure"

    def __init__(self, look: Look, message: Mapping[str, Any], tell: Tell) -> None:
        super().__init__(look, message, tell)
        parts = (message["heading"], message["details"], message["log"] and f"Log: {message['log']}")
        self._all = "\n\n".join(filter(None, parts))
        if message["log"]:
            self.rows([["Log", message["log"]]])
        if message["details"]:
            folded = Folded(look, self.paper, "details", message["details"], is_end_first=True)
            folded.grid(row=3, column=1, pady=(look.px(10), 0))
        self._copy = self.button("Copy", self._copy_all)
        self._has_copied = False
        self.button("Close", self.leave, is_default=True)

    def leave(self) -> None:
        """Close the window; what was copied is left to the desktop's clipboard manager, where there is one."""
        if self._has_copied:
            with suppress(tkinter.TclError):
                self.window.tk.call("selection", "get", "-selection", "CLIPBOARD_MANAGER", "-type", "SAVE_TARGETS")
        super().leave()

    def _copy_all(self) -> None:
        self.window.clipboard_clear()
        self.window.clipboard_append(self._all)
        self._has_copied = True
        self._copy.configure(text="Copied")
        self.window.after(_COPIED_MS, lambda: self._copy.configure(text="Copy"))


class ProgressDialog(Dialog):
    """Says what is being done; to leave it is to cancel, and it stays until whoever works has stopped."""

    def __init__(self, look: Look, message: Mapping[str, Any], tell: Tell) -> None:
        super().__init__(look, message, tell)
        self._is_cancelled = False
        self._step = ttk.Label(self.paper, text=" ")
        self._step.grid(row=2, column=1, sticky="w", pady=(look.px(8), 0))
        self._bar = ttk.Progressbar(self.paper, mode="indeterminate", maximum=1.0)
        self._bar.grid(row=3, column=1, sticky="ew", pady=(look.px(10), look.px(8)))
        self._detail = ttk.Label(self.paper, text=" ", style="Faint.TLabel")
        self._detail.grid(row=4, column=1, sticky="w")
        self._cancel = self.button("Cancel", self.leave, is_default=True)
        self._cancel.configure(style="TButton")  # nothing that anybody is asked to do
        self._move(None)

    def leave(self) -> None:
        """Ask for an end; when asked once more, close the window without waiting for it."""
        if self._is_cancelled:
            super().leave()
            return
        self._is_cancelled = True
        self._cancel.configure(state="disabled")
        self._step.configure(text="Cancelling …")
        self._detail.configure(text=" ")
        self._move(None)
        self.tell("cancelled")

    def update(self, message: Mapping[str, Any]) -> None:
        """Show the step, what is beside it, and how much is done."""
        if self._is_cancelled:
            return
        step, _, detail = self.look.drawable(message["text"]).partition("\n")
        self._step.configure(text=self._fitting(step) or " ")
        self._detail.configure(text=self._fitting(detail) or " ")
        self._move(message["fraction"])

    def _move(self, fraction: float | None) -> None:
        if fraction is None:
            if str(self._bar.cget("mode")) != "indeterminate" or not self.is_shown:
                self._bar.configure(mode="indeterminate")
                self._bar.start(25)
        else:
            self._bar.stop()
            self._bar.configure(mode="determinate", value=min(1.0, max(0.0, fraction)))

    def _fitting(self, text: str) -> str:
        text = " ".join(text.split())
        width, most = self.look.px(_WIDTH), len(text)
        while most > 1 and self.look.text.measure(elided(text, most)) > width:
            most = min(most - 1, most * width // self.look.text.measure(elided(text, most)) + 1)
        return elided(text, most)


def make_dialog(look: Look, message: Mapping[str, Any], tell: Tell) -> Dialog:
    """Return the window that a message asks for, not yet on the screen."""
    kinds = {"question": QuestionDialog, "failure": FailureDialog, "progress": ProgressDialog}
    return kinds[message["kind"]](look, message, tell)


def _invoked(button: ttk.Button) -> Callable[[object], str]:
    def invoke(_: object) -> str:
        button.invoke()
        return "break"  # or the window's own Enter came next

    return invoke
