"""Run a command and take its time; let contestants run in turn; summarise what they needed."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run needed. CPU (user and system, children included) and memory are None where they are unknown."""

    wall_ms: float
    cpu_ms: float | None = None
    peak_mib: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """All samples of one contestant; never empty."""

    samples: tuple[Sample, ...]

    @property
    def minimum_ms(self) -> float:
        return min(sample.wall_ms for sample in self.samples)

    @property
    def median_ms(self) -> float:
        return statistics.median(sample.wall_ms for sample in self.samples)

    @property
    def cpu_ms(self) -> float | None:
        """The median of user plus system time, or None where it is unknown."""
        known = [sample.cpu_ms for sample in self.samples if sample.cpu_ms is not None]
        return statistics.median(known) if known else None

    @property
    def peak_mib(self) -> float | None:
        """The largest resident set of any run, or None where it is unknown."""
        return max((sample.peak_mib for sample in self.samples if sample.peak_mib is not None), default=None)


@dataclass(frozen=True, slots=True)
class Contestant:
    """Somebody who takes part: `run` is called once per run and returns a sample or raises `RunFailed`."""

    name: str
    run: Callable[[], Sample]
    runs: int
    warm_ups: int = 0


@dataclass(slots=True)
class Outcome:
    """Figures by name of contestant, and the reasons of those who failed."""

    figures: dict[str, Figures] = field(default_factory=dict)
    failures: dict[str, RunFailed] = field(default_factory=dict)


class RunFailed(Exception):
    """A command ended with an error, or did not do what it was measured for.

    `detail` is its own last word; it can hold paths of this machine, `str()` of the error does not.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Command:
    """Arguments (the program's full path first), the whole environment, and the directory to run in.

    What it prints is left in the files `stdout` and `stderr` of the directory `output`.
    """

    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    directory: Path
    output: Path

    @property
    def stdout(self) -> str:
        return (self.output / "stdout").read_text(encoding="utf-8", errors="replace")

    @property
    def stderr(self) -> str:
        return (self.output / "stderr").read_text(encoding="utf-8", errors="replace")

    def run(self) -> Sample:
        """Run the command to its end and return what it needed; raises `RunFailed` where it does not exit with 0."""
        try:
            status, sample = _spawn_and_wait(self)
        except OSError as error:
            raise RunFailed("cannot be started", str(error)) from error
        if status != 0:
            reason = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
            raise RunFailed(reason, (self.stderr.strip() or self.stdout.strip())[-2000:])
        return sample


def schedule(contestants: Sequence[Contestant], rounds: int) -> Iterator[list[Contestant]]:
    """Yield who runs in each round, in an order that turns by one each time.

    Who has fewer runs than there are rounds takes part in rounds spread evenly, who has more is cut to their number.
    """
    for number in range(rounds):
        due = [c for c in contestants if (number + 1) * c.runs // rounds > number * c.runs // rounds]
        turn = number % len(due) if due else 0
        yield due[turn:] + due[:turn]


def compete(contestants: Sequence[Contestant], announce: Callable[[str], None]) -> Outcome:
    """Let everybody warm up, then run in turn, and return what they needed.

    Who fails once is out, figures included: some of its runs would look like all of them.
    """
    outcome = Outcome()
    samples: dict[str, list[Sample]] = {contestant.name: [] for contestant in contestants}
    warm_ups = max((contestant.warm_ups for contestant in contestants), default=0)
    rounds = max((contestant.runs for contestant in contestants), default=0)
    for number in range(warm_ups):
        for contestant in contestants:
            if number < contestant.warm_ups:
                _run_unless_failed(contestant, outcome)
    for number, due in enumerate(schedule(contestants, rounds), start=1):
        announce(f"round {number} of {rounds}")
        for contestant in due:
            if sample := _run_unless_failed(contestant, outcome):
                samples[contestant.name].append(sample)
    for name, taken in samples.items():
        if taken and name not in outcome.failures:
            outcome.figures[name] = Figures(tuple(taken))
    return outcome


def _run_unless_failed(contestant: Contestant, outcome: Outcome) -> Sample | None:
    if contestant.name in outcome.failures:
        return None
    try:
        return contestant.run()
    except RunFailed as failure:
        outcome.failures[contestant.name] = failure
        return None


if sys.platform == "win32":

    def _spawn_and_wait(command: Command) -> tuple[int, Sample]:
        with (command.output / "stdout").open("wb") as stdout, (command.output / "stderr").open("wb") as stderr:
            started = perf_counter()
            ended = subprocess.run(
                command.arguments,
                env=dict(command.environ),
                cwd=command.directory,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                check=False,
            )
            return ended.returncode, Sample((perf_counter() - started) * 1000)

else:
    _KIB_PER_MAXRSS = 1 / 1024 if sys.platform == "darwin" else 1
    _WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

    def _spawn_and_wait(command: Command) -> tuple[int, Sample]:
        # posix_spawn, because what subprocess does around its fork would be a tenth of a warm launch.
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(command.output / "stdout"), _WRITE, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, str(command.output / "stderr"), _WRITE, 0o600),
        ]
        with chdir(command.directory):
            started = perf_counter()
            process = os.posix_spawn(command.arguments[0], command.arguments, command.environ, file_actions=files)
            _, status, usage = os.wait4(process, 0)
            wall_ms = (perf_counter() - started) * 1000
        cpu_ms = (usage.ru_utime + usage.ru_stime) * 1000
        return os.waitstatus_to_exitcode(status), Sample(wall_ms, cpu_ms, usage.ru_maxrss * _KIB_PER_MAXRSS / 1024)
