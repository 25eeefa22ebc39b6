"""What is on a screen as a value: read from the virtual server's memory, compared, written as PNG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER_WORDS = 25
_CELL = 8
"""Differences are looked at in squares of so many pixels, and squares at most two apart are one thing."""

Cell = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """A rectangle on the screen, in pixels: from `left` and `top` to before `right` and `bottom`."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Picture:
    """So many rows of so many pixels, four bytes each: blue, green, red and one without meaning."""

    width: int
    height: int
    pixels: bytes

    @classmethod
    def read(cls, path: Path) -> Picture:
        """Read the X window dump that ``Xvfb -fbdir`` keeps up to date."""
        content = path.read_bytes()
        header = struct.unpack(f">{_HEADER_WORDS}I", content[: 4 * _HEADER_WORDS])
        size, width, height, bits, stride, colours = header[0], *header[4:6], header[11], header[12], header[19]
        assert bits == 32 and stride == 4 * width, "a screen of another depth than 24"
        start = size + 12 * colours
        return cls(width, height, content[start : start + stride * height])

    def row(self, y: int, box: Box) -> bytes:
        """Return what row `y` has within the box."""
        start = 4 * y * self.width
        return self.pixels[start + 4 * box.left : start + 4 * box.right]

    def cropped(self, box: Box) -> Picture:
        """Return the part within a box, as far as it is on the screen."""
        box = Box(max(0, box.left), max(0, box.top), min(self.width, box.right), min(self.height, box.bottom))
        rows = b"".join(self.row(y, box) for y in range(box.top, box.bottom))
        return Picture(box.right - box.left, box.bottom - box.top, rows)

    @property
    def is_blank(self) -> bool:
        """Whether it has one colour, as a window that is not drawn yet, or none."""
        return self.pixels == self.pixels[:4] * (self.width * self.height)

    def largest_change(self, other: Picture, box: Box) -> Box | None:
        """Return where the largest thing is that is another one in `other`, or None where the two look alike."""
        cells = set(self._changed_cells(other, box))
        largest: list[Cell] = []
        while cells:
            largest = max(largest, _taken_together(cells), key=len)
        if not largest:
            return None
        columns, rows = zip(*largest, strict=True)
        return Box(_CELL * min(columns), _CELL * min(rows), _CELL * (max(columns) + 1), _CELL * (max(rows) + 1))

    def _changed_cells(self, other: Picture, box: Box) -> Iterator[Cell]:
        for y in range(box.top, box.bottom):
            ours, theirs = self.row(y, box), other.row(y, box)
            if ours != theirs:
                for at in range(0, len(ours), 4):
                    if ours[at : at + 3] != theirs[at : at + 3]:
                        yield (box.left + at // 4) // _CELL, y // _CELL

    def to_png(self) -> bytes:
        """Return it as a PNG file of true colours."""
        rows = bytearray()
        box = Box(0, 0, self.width, self.height)
        for y in range(self.height):
            pixels, colours = self.row(y, box), bytearray(3 * self.width)
            for at in range(3):
                colours[at::3] = pixels[2 - at :: 4]
            rows += b"\0" + colours
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _taken_together(cells: set[Cell]) -> list[Cell]:
    """Take one thing out of the cells: one of them and all that are near it or near one of those."""
    edge = [cells.pop()]
    thing = []
    while edge:
        x, y = edge.pop()
        thing.append((x, y))
        near = {(x + right, y + down) for right in range(-2, 3) for down in range(-2, 3)} & cells
        cells -= near
        edge += near
    return thing


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
