#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["blessed>=1.20,<2"]
# ///
"""Snake, in the terminal: arrow keys to steer, q to quit, thirty apples to win.

    game.py
    game.py --apples 10 --speed 12
    game.py --demo                  the snake finds its own way

Without a terminal it plays the demo and shows the last picture only.
"""

from __future__ import annotations

import argparse
import random
import sys
from contextlib import suppress

from blessed import Terminal

Point = tuple[int, int]
WIDTH, HEIGHT = 24, 14
UP, DOWN, LEFT, RIGHT = (0, -1), (0, 1), (-1, 0), (1, 0)
KEYS = {"KEY_UP": UP, "KEY_DOWN": DOWN, "KEY_LEFT": LEFT, "KEY_RIGHT": RIGHT}


class Snake:
    """The board and everything on it."""

    def __init__(self, seed: int | None) -> None:
        self.random = random.Random(seed)
        self.body: list[Point] = [(6 - i, HEIGHT // 2) for i in range(4)]  # the head comes first
        self.heading: Point = RIGHT
        self.eaten = self.moves = 0
        self.apple = self.free_cell()

    def free_cell(self) -> Point:
        """Pick a cell that the snake does not cover."""
        return self.random.choice([(x, y) for x in range(WIDTH) for y in range(HEIGHT) if (x, y) not in self.body])

    def ahead(self, heading: Point) -> Point:
        """Return the cell in front of the head."""
        return self.body[0][0] + heading[0], self.body[0][1] + heading[1]

    def is_safe(self, cell: Point) -> bool:
        """Say whether the head could be there next; the tail's end moves away in the same moment."""
        return 0 <= cell[0] < WIDTH and 0 <= cell[1] < HEIGHT and cell not in self.body[:-1]

    def advance(self) -> bool:
        """Move by one cell; False when that was the end."""
        head = self.ahead(self.heading)
        if not self.is_safe(head):
            return False
        self.moves += 1
        self.body.insert(0, head)
        if head == self.apple:
            self.eaten += 1
            self.apple = self.free_cell()
        else:
            self.body.pop()
        return True

    def room(self, start: Point) -> int:
        """Count the cells that can be reached from one."""
        seen, edge = {start}, [start]
        while edge:
            x, y = edge.pop()
            near = {cell for cell in ((x, y - 1), (x, y + 1), (x - 1, y), (x + 1, y)) if self.is_safe(cell)} - seen
            seen |= near
            edge += near
        return len(seen)

    def steer_itself(self) -> None:
        """Take the nearest way to the apple that does not lead into a trap."""

        def cost(heading: Point) -> tuple[bool, int]:
            x, y = self.ahead(heading)
            return self.room((x, y)) < len(self.body), abs(x - self.apple[0]) + abs(y - self.apple[1])

        ways = [heading for heading in (UP, DOWN, LEFT, RIGHT) if self.is_safe(self.ahead(heading))]
        self.heading = min(ways, key=cost, default=self.heading)


def picture(term: Terminal, snake: Snake, goal: int) -> str:
    """Draw the board; a cell is two columns wide, which makes it about square."""
    looks = dict.fromkeys(snake.body, term.green("██"))
    looks |= {snake.apple: term.bold_red("()"), snake.body[0]: term.bright_green("▓▓")}
    lines = ["│" + "".join(looks.get((x, y), "  ") for x in range(WIDTH)) + "│" for y in range(HEIGHT)]
    edge = "──" * WIDTH
    return "\r\n".join([f" {snake.eaten} of {goal} apples", f"╭{edge}╮", *lines, f"╰{edge}╯"])


def play(term: Terminal, snake: Snake, goal: int, speed: float, *, demo: bool) -> None:
    """Play until the snake has eaten enough, has bitten something, or somebody presses q."""
    while snake.eaten < goal:
        if term.is_a_tty:
            print(term.home + picture(term, snake, goal), end="", flush=True)
            key = term.inkey(timeout=1 / speed)
            if key == "q":
                return
            heading = KEYS.get(key.name)
            if heading and snake.ahead(heading) != snake.body[1]:  # it can not turn on the spot
                snake.heading = heading
        if demo:
            snake.steer_itself()
        if not snake.advance():
            return


def main() -> None:
    """Read the command line, play."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apples", type=int, default=30, help="how many make you win (default: 30)")
    parser.add_argument("--speed", type=float, default=8, help="moves a second (default: 8)")
    parser.add_argument("--demo", action="store_true", help="watch")
    parser.add_argument("--seed", type=int, help="a number: the same apples every time")
    options = parser.parse_args()

    term, snake = Terminal(), Snake(options.seed)
    demo = options.demo or not (term.is_a_tty and sys.stdin.isatty())
    with suppress(KeyboardInterrupt), term.fullscreen(), term.cbreak(), term.hidden_cursor():
        play(term, snake, options.apples, options.speed, demo=demo)
    print(picture(term, snake, options.apples).replace("\r", ""))
    print("You win" if snake.eaten >= options.apples else "The end", f"after {snake.moves} moves.")


if __name__ == "__main__":
    main()
