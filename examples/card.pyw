#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["segno>=1.6,<2"]
# ///
"""A visiting card as a QR code: fill in the form, let a telephone read it from the screen, or save it as a picture.

    card.pyw                                                the form
    card.pyw --name "Ada Lovelace" --mail ada@example.com   the form, filled in
    card.pyw --name "Ada Lovelace" --save ada.png           the picture, without a window
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import segno
from segno import helpers

FIELDS = {"name": "Name", "company": "Company", "phone": "Telephone", "mail": "E-mail", "web": "Web page"}
PREVIEW = 320


def code_of(entries: dict[str, str]) -> segno.QRCode:
    """Return the code of a card; raises ValueError where it would be empty or too long."""
    given = {field: text.strip() for field, text in entries.items()}
    if not given["name"]:
        raise ValueError("A card needs a name.")
    first, _, last = given["name"].rpartition(" ")
    return helpers.make_vcard(
        name=f"{last};{first}",
        displayname=given["name"],
        org=given["company"] or None,
        phone=given["phone"] or None,
        email=given["mail"] or None,
        url=given["web"] or None,
    )


def show_form(entries: dict[str, str]) -> None:
    """Show the window until it is closed."""
    # Here, so that --save works with a Python that has no tkinter.
    import tkinter  # noqa: PLC0415
    from tkinter import filedialog, ttk  # noqa: PLC0415

    window = tkinter.Tk(className="Card")
    window.title("Visiting card")
    window.resizable(False, False)
    frame = ttk.Frame(window, padding=18)
    frame.grid()
    texts = {field: tkinter.StringVar(window, entries[field]) for field in FIELDS}
    boxes = {}
    for row, (field, label) in enumerate(FIELDS.items()):
        ttk.Label(frame, text=label).grid(row=row, column=0, sticky="w", pady=6)
        boxes[field] = ttk.Entry(frame, textvariable=texts[field], width=28)
        boxes[field].grid(row=row, column=1, padx=(12, 24))
    picture = tkinter.PhotoImage(width=PREVIEW, height=PREVIEW)
    preview = tkinter.Label(frame, image=picture, width=PREVIEW, height=PREVIEW, background="white", relief="sunken")
    preview.grid(row=0, column=2, rowspan=len(FIELDS) + 3)
    message = ttk.Label(frame, wraplength=320)
    message.grid(row=len(FIELDS), column=0, columnspan=2, sticky="w", pady=6)

    def current() -> dict[str, str]:
        return {field: text.get() for field, text in texts.items()}

    def draw(*_: object) -> None:
        picture.blank()
        try:
            code = code_of(current())
        except ValueError as error:
            message["text"] = str(error)
            save["state"] = "disabled"
            return
        message["text"] = "Point a telephone's camera at it."
        save["state"] = "normal"
        content = io.BytesIO()
        scale = PREVIEW // code.symbol_size()[0]
        code.save(content, kind="png", scale=scale)
        at = (PREVIEW - code.symbol_size(scale)[0]) // 2
        drawn = tkinter.PhotoImage(data=content.getvalue())
        picture.tk.call(picture, "copy", drawn, "-to", at, at)

    def save_picture() -> None:
        name = f"{texts['name'].get().strip().replace('/', '-')}.png"
        if path := filedialog.asksaveasfilename(parent=window, initialfile=name, defaultextension=".png"):
            code_of(current()).save(path, kind="png", scale=8)
            message["text"] = f"Saved as {Path(path).name}."

    save = ttk.Button(frame, text="Save the picture", command=save_picture)
    save.grid(row=len(FIELDS) + 1, column=0, columnspan=2, sticky="w", pady=6)
    for text in texts.values():
        text.trace_add("write", draw)
    draw()
    boxes["name"].focus()
    window.mainloop()


def main() -> None:
    """Read the command line, then show the form or save the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field, label in FIELDS.items():
        parser.add_argument(f"--{field}", default="", metavar="TEXT", help=label)
    parser.add_argument("--save", type=Path, metavar="PNG", help="save the picture and show no window")
    options = parser.parse_args()
    entries = {field: getattr(options, field) for field in FIELDS}
    if options.save is None:
        show_form(entries)
        return
    try:
        code = code_of(entries)
    except ValueError as error:
        parser.error(str(error))
    code.save(str(options.save), kind="png", scale=8)
    print(f"{options.save}: the card of {options.name}, QR code {code.designator}")


if __name__ == "__main__":
    main()
