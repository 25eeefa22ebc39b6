"""Text in our tkinter windows that can be selected and scrolled: labelled rows, and what unfolds below them."""

from __future__ import annotations

import tkinter
from collections.abc import Sequence
from tkinter import ttk
from tkinter.font import Font

from launcher.desktop.tk_look import FAINT, INK, LINE, PAPER, SELECTION, Look

_MOST_ROW_LINES = 22
_UNFOLDED_LINES, _FEWEST_LINES = 18, 5
_UNFOLDED_COLUMNS = 84
_SCROLLBAR = 14
_MARGIN = 50
"""Of the screen, for a title bar or a panel."""
_SHOW, _HIDE = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}", "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"


class Rows:
    """Labels and the texts beside them, wrapped to a width; `frame` is to be placed."""

    def __init__(self, look: Look, parent: ttk.Frame, rows: Sequence[Sequence[str]], width: int) -> None:
        self.frame = ttk.Frame(parent, width=width)
        text = _text(self.frame, look.text)
        text.configure(wrap="word", spacing1=look.px(2), spacing3=look.px(2), padx=0, pady=0, highlightthickness=0)
        indent = max((look.text.measure(label) for label, _ in rows), default=0) + look.px(16)
        text.configure(tabs=(indent,))
        text.tag_configure("row", lmargin2=indent)
        text.tag_configure("more", lmargin1=indent, lmargin2=indent)
        text.tag_configure("path", wrap="char")
        text.tag_configure("label", foreground=FAINT)
        for number, (label, value) in enumerate(rows):
            first, newline, rest = look.drawable(value).partition("\n")
            # An address has few places to be broken at.
            tag = ("row", "path") if first.startswith(("/", "~")) or "://" in first else ("row",)
            text.insert("end", "\n" if number else "", (), look.drawable(label), (*tag, "label"))
            text.insert("end", f"\t{first}", tag, newline + rest, "more")
        _read_only(text)
        # Placed so, it has its width before anything is on the screen, and the window its size.
        text.place(x=0, y=0, width=width - look.px(_SCROLLBAR), relheight=1)
        text.update_idletasks()
        height = int(text.tk.call(text, "count", "-update", "-ypixels", "1.0", "end"))
        most = min(_MOST_ROW_LINES * look.text.metrics("linespace"), text.winfo_screenheight() // 3)
        self.frame.configure(height=min(height, most))
        if height > most:
            down = ttk.Scrollbar(self.frame, orient="vertical", command=text.yview)
            text.configure(yscrollcommand=down.set)
            down.place(relx=1, y=0, relheight=1, anchor="ne")


class Folded:
    """A link that unfolds a text in a monospaced font, and folds it again."""

    def __init__(self, look: Look, parent: ttk.Frame, noun: str, content: str, *, is_end_first: bool = False) -> None:
        self._window, self._noun, self._is_end_first = parent.winfo_toplevel(), noun, is_end_first
        self._button = ttk.Button(parent, style="Link.TButton", command=self._toggle, takefocus=True)
        self._button.configure(text=f"{_SHOW} View {noun}")
        for key in ("<Return>", "<KP_Enter>"):
            self._button.bind(key, self._pressed)
        self._look, self._parent, self._content = look, parent, content
        self._frame: ttk.Frame | None = None
        self._row = 0

    def grid(self, *, row: int, column: int, pady: tuple[int, int]) -> None:
        """Place the link; the text goes below it, over all columns."""
        self._row = row
        self._button.grid(row=row, column=column, sticky="w", pady=pady)

    def _pressed(self, _: object) -> str:
        self._toggle()
        return "break"  # or the window's own Enter came next

    def _toggle(self) -> None:
        if self._frame is None:
            self._frame = self._unfolded()
        if self._frame.winfo_manager():
            self._frame.grid_remove()
            self._parent.rowconfigure(self._row + 1, weight=0)
            self._window.resizable(False, False)
            self._button.configure(text=f"{_SHOW} View {self._noun}")
        else:
            self._frame.grid(row=self._row + 1, column=0, columnspan=2, sticky="nsew", pady=(self._look.px(8), 0))
            self._parent.rowconfigure(self._row + 1, weight=1)
            self._window.resizable(True, True)
            self._button.configure(text=f"{_HIDE} Hide {self._noun}")
        self._window.geometry("")
        self._stay_on_screen()

    def _stay_on_screen(self) -> None:
        window = self._window
        window.update_idletasks()
        room = window.winfo_screenheight() - self._look.px(_MARGIN)
        if window.winfo_rooty() + window.winfo_reqheight() > room:
            window.geometry(f"+{window.winfo_x()}+{max(0, room - window.winfo_reqheight())}")

    def _unfolded(self) -> ttk.Frame:
        look, px = self._look, self._look.px
        frame = ttk.Frame(self._parent)
        frame.columnconfigure(0, weight=1)
        frame.rowconfigure(0, weight=1)
        text = _text(frame, look.code)
        room = self._window.winfo_screenheight() - self._window.winfo_reqheight() - px(2 * _MARGIN)
        lines = max(_FEWEST_LINES, min(_UNFOLDED_LINES, room // look.code.metrics("linespace")))
        text.configure(wrap="none", height=lines, width=_UNFOLDED_COLUMNS)
        text.configure(padx=px(10), pady=px(8), highlightthickness=1)
        down = ttk.Scrollbar(frame, orient="vertical", command=text.yview)
        across = ttk.Scrollbar(frame, orient="horizontal", command=text.xview)
        text.configure(yscrollcommand=down.set, xscrollcommand=across.set)
        text.insert("end", look.drawable(self._content))
        if self._is_end_first:
            text.see("end -1 lines linestart")
        _read_only(text)
        text.configure(takefocus=True)  # for the keys that scroll
        text.grid(row=0, column=0, sticky="nsew")
        down.grid(row=0, column=1, sticky="ns", padx=(px(2), 0))
        across.grid(row=1, column=0, sticky="ew", pady=(px(2), 0))
        return frame


def _text(parent: ttk.Frame, font: Font) -> tkinter.Text:
    text = tkinter.Text(parent, relief="flat", borderwidth=0, cursor="xterm", insertwidth=0)
    text.configure(background=PAPER, foreground=INK, selectbackground=SELECTION, selectforeground=INK)
    text.configure(inactiveselectbackground=SELECTION, highlightbackground=LINE, highlightcolor=FAINT)
    text.configure(font=font)
    return text


def _read_only(text: tkinter.Text) -> None:
    text.configure(state="disabled")
    text.bind("<1>", lambda _: text.focus_set())
    text.bind("<Control-a>", lambda _: _select_all(text))


def _select_all(text: tkinter.Text) -> str:
    text.tag_add("sel", "1.0", "end")
    return "break"
