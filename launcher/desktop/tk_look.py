"""How our tkinter windows look: one light look everywhere, sharp on any screen, whatever the desktop's theme is."""

from __future__ import annotations

import os
import sys
import tkinter
from contextlib import suppress
from pathlib import Path
from tkinter import font as fonts
from tkinter import ttk
from typing import Any

PAPER, BAND, LINE = "#ffffff", "#f3f4f6", "#d7dbe0"
INK, FAINT, ACCENT, SELECTION = "#1d2129", "#5b6572", "#2f6fab", "#cfe2f6"
_HOVER, _PRESSED, _DARKER, _TROUGH, _EDGE = "#eef1f5", "#e1e6ec", "#255a8c", "#e4e8ed", "#c2c8d0"

_USUAL_DPI = 96
_LARGEST_SCALE = 4.0
_HERE = Path(__file__).parent
_EMOJI_SINCE = 20305
"""Before libXft 2.3.5 a coloured glyph ends a program with an X error."""


def make_root() -> tkinter.Tk:
    """Return Tk's root, which is never seen; raises `tkinter.TclError` where there is no display.

    It has the class of Xft, because Tk gives a window only the X resources of its class, and Xft's has the resolution.
    """
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415

        with suppress(AttributeError, OSError):
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
    root = tkinter.Tk(className="Xft")
    root.withdraw()
    return root


class Look:
    """Sizes, fonts and styles of one program; sizes are in pixels of a usual screen until `px` has scaled them."""

    def __init__(self, root: tkinter.Tk) -> None:
        self.root = root
        self.scale = _scale(root)
        # X resources of somebody's would come before our styles.
        root.tk.call("option", "add", "*TLabel.font", "", "interactive")
        root.tk.call("tk", "scaling", self.scale * _USUAL_DPI / 72)
        usual = fonts.nametofont("TkDefaultFont").actual("family")
        fixed = fonts.nametofont("TkFixedFont").actual("family")
        if sys.platform == "win32" and "Consolas" in fonts.families():
            fixed = "Consolas"
        self.text = fonts.Font(root, name="our-text", family=usual, size=-self.px(13))
        self.heading = fonts.Font(root, name="our-heading", family=usual, size=-self.px(17), weight="bold")
        self.code = fonts.Font(root, name="our-code", family=fixed, size=-self.px(12))
        self._draws_emoji = _draws_emoji(root)
        # Tk forgets an image that Python does not hold.
        self._images = {path.stem: tkinter.PhotoImage(master=root, file=path) for path in _HERE.glob("*.png")}
        self._styles()

    def px(self, size: float) -> int:
        """Return how many pixels of this screen a size comes to."""
        return round(size * self.scale)

    def image(self, name: str) -> tkinter.PhotoImage:
        """Return a picture, ``icon`` or ``failure``, in the size for this screen."""
        return self._images[f"{name}{96 if self.scale >= 1.5 else 48}"]

    def drawable(self, text: str) -> str:
        """Return a text without what this Tk cannot draw without harm."""
        if self._draws_emoji or text.isascii():
            return text
        return "".join("\N{WHITE SQUARE}" if _may_be_coloured(each) else each for each in text)

    def dress(self, window: tkinter.Toplevel) -> None:
        """Give a window its icon, colour and kind."""
        window.configure(background=PAPER)
        with suppress(tkinter.TclError):
            window.iconphoto(False, self._images["icon96"], self._images["icon48"])
        if self.root.tk.call("tk", "windowingsystem") == "x11":
            # Window managers put dialogs in the middle of the screen that is being used.
            window.wm_attributes("-type", "dialog")

    def _styles(self) -> None:
        style = ttk.Style(self.root)
        # The one theme that every platform has and that takes all of these colours.
        style.theme_use("clam")
        style.configure(".", background=PAPER, foreground=INK, font=self.text)
        style.configure("TLabel", padding=0, borderwidth=0)
        style.configure("Band.TFrame", background=BAND)
        style.configure("Line.TFrame", background=LINE)
        style.configure("Heading.TLabel", font=self.heading)
        style.configure("Faint.TLabel", foreground=FAINT)
        edge = {"relief": "raised", "padding": (self.px(16), self.px(6)), "anchor": "center", "width": 9}
        self._button(style, "TButton", (PAPER, _HOVER, _PRESSED), (INK, _EDGE), edge)
        self._button(style, "Default.TButton", (ACCENT, "#3a7dbd", _DARKER), (PAPER, _DARKER), edge)
        link = {"relief": "flat", "padding": (0, self.px(2)), "anchor": "w", "width": 0, "borderwidth": 0}
        self._button(style, "Link.TButton", (PAPER, PAPER, PAPER), (ACCENT, PAPER), link)
        bar = {"troughcolor": _TROUGH, "background": ACCENT, "thickness": self.px(4)}
        edges = {"bordercolor": _TROUGH, "lightcolor": ACCENT, "darkcolor": ACCENT, "borderwidth": 0}
        style.configure("Horizontal.TProgressbar", **bar, **edges)
        for side in ("Vertical", "Horizontal"):
            name = f"{side}.TScrollbar"
            # A slim thumb on paper, without arrows.
            thumb: tuple[str, Any] = (f"{side}.Scrollbar.thumb", {"expand": True, "sticky": "nswe"})
            style.layout(name, [(f"{side}.Scrollbar.trough", {"sticky": "nswe", "children": [thumb]})])
            style.configure(name, troughcolor=PAPER, bordercolor=PAPER, gripcount=0, arrowsize=self.px(10))
            style.configure(name, background=_EDGE, lightcolor=_EDGE, darkcolor=_EDGE, relief="flat")
            shades = [("disabled", PAPER), ("active", "#a4adb8")]
            style.map(name, background=shades, lightcolor=shades, darkcolor=shades)

    @staticmethod
    def _button(
        style: ttk.Style, name: str, faces: tuple[str, str, str], inks: tuple[str, str], shape: dict[str, Any]
    ) -> None:
        usual, hover, pressed = faces
        ink, border = inks
        style.configure(name, background=usual, foreground=ink, bordercolor=border, **shape)
        style.configure(name, lightcolor=usual, darkcolor=usual, focuscolor=ink, focusthickness=1)
        states = [("disabled", BAND), ("pressed", pressed), ("active", hover)]
        style.map(
            name,
            background=states,
            lightcolor=states,
            darkcolor=states,
            foreground=[("disabled", "#9aa3ae"), ("!disabled", ink)],
            bordercolor=[("disabled", LINE), ("!disabled", border)],
        )


def _scale(root: tkinter.Tk) -> float:
    """Return how much larger than on a usual screen everything is to be, from what the desktop says."""
    if sys.platform == "darwin":
        return 1.0  # Tk counts points there
    dpi = root.winfo_fpixels("1i")
    with suppress(ValueError):
        dpi = max(dpi, float(root.tk.call("option", "get", ".", "dpi", "Dpi") or 0))
    scale = dpi / _USUAL_DPI
    if scale < 1.1:
        for name in ("GDK_SCALE", "QT_SCALE_FACTOR"):
            with suppress(ValueError):
                scale = max(scale, float(os.environ.get(name) or 0))
    return min(_LARGEST_SCALE, max(1.0, round(scale * 8) / 8))


def _draws_emoji(root: tkinter.Tk) -> bool:
    if root.tk.call("tk", "windowingsystem") != "x11":
        return True
    import ctypes  # noqa: PLC0415

    try:
        return int(ctypes.CDLL("libXft.so.2").XftGetVersion()) >= _EMOJI_SINCE
    except (OSError, AttributeError):
        return False


def _may_be_coloured(character: str) -> bool:
    """Tell of a character that a font of coloured glyphs may have to draw: emoji, and signs that look like some."""
    return character > "\uffff" or "\u2300" <= character <= "\u23ff" or "\u2600" <= character <= "\u2bff"
