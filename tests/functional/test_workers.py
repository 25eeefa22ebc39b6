"""Work is shared with other processes, which never outlive the one they work for and never change what comes out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from launcher.errors import CacheUnusable, HashMismatch
from launcher.workers import Workers
from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer

TASKS = "tests.support.worker_tasks"


@pytest.fixture
def worker() -> Iterator[Workers]:
    with closing(Workers(1)) as workers:
        yield workers


def test_functions_are_called_in_one_process_beside_ours(worker: Workers) -> None:
    worker.load(TASKS)
    there = worker.call(f"{TASKS}:process")
    assert there != os.getpid()
    assert worker.call(f"{TASKS}:process") == there


def test_without_workers_functions_are_called_here() -> None:
    with closing(Workers(0)) as none:
        none.load(TASKS)
        assert none.call(f"{TASKS}:process") == os.getpid()


def test_errors_for_people_come_back_with_all_they_say(worker: Workers) -> None:
    with pytest.raises(HashMismatch, match="It is another file") as caught:
        worker.call(f"{TASKS}:refuse")
    assert (caught.value.hint, caught.value.reference) == ("Ask somebody.", "PEP 1")


@pytest.mark.parametrize("task", ["fail", "die"])
def test_what_a_worker_cannot_do_is_done_here(worker: Workers, task: str) -> None:
    assert worker.call(f"{TASKS}:{task}", os.getpid()) == "done here"
    assert worker.call("math:sqrt", 16.0) == 4.0


def test_a_worker_that_cannot_import_what_it_should_is_no_failure(worker: Workers) -> None:
    worker.load("there.is.no.such.module")
    assert worker.call("math:sqrt", 16.0) == 4.0


def test_a_ctrl_c_in_the_terminal_ends_the_workers_only_with_us(worker: Workers) -> None:
    there = worker.call("os:getpid")
    os.kill(there, signal.SIGINT)
    assert worker.call("os:getpid") == there


def test_two_workers_work_at_the_same_time(tmp_path: Path) -> None:
    found: list[bool] = []
    with closing(Workers(2)) as workers:

        def meet(name: str, other: str) -> None:
            found.append(workers.call(f"{TASKS}:meet", str(tmp_path), name, other))

        threads = [threading.Thread(target=meet, args=names) for names in (("a", "b"), ("b", "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [True, True]


def test_closing_ends_what_is_under_way_and_leaves_no_child(tmp_path: Path) -> None:
    workers = Workers(1)
    raised: list[BaseException] = []

    def wait_in_vain() -> None:
        try:
            workers.call(f"{TASKS}:meet", str(tmp_path), "a", "never")
        except CacheUnusable as error:
            raised.append(error)

    thread = threading.Thread(target=wait_in_vain)
    thread.start()
    while not (tmp_path / "a").exists():
        thread.join(0.01)
    workers.close()
    thread.join()
    assert len(raised) == 1
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are looked for by number")
def test_a_worker_ends_with_a_process_that_is_killed() -> None:
    code = (
        "import os, signal; from launcher.workers import Workers; w = Workers(1); "
        "print(w.call('os:getpid'), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    # The worker inherits our pipe as its stderr would be: it is read to its end only when the worker has gone, too.
    killed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False, timeout=60)
    pid = int(killed.stdout)
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            break
        threading.Event().wait(0.02)
    else:
        pytest.fail("the worker is still there")


def test_the_script_has_no_children_of_ours(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    body = "import os, speak\ntry:\n    os.waitpid(-1, os.WNOHANG)\nexcept ChildProcessError:\n    print('none')"
    assert run_pyscript(write_script(body, "speak")).stdout == "none\n"


def test_a_wheel_of_a_version_that_is_given_up_is_fetched_ahead_and_nothing_of_it_stays(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    # The newest top is decided for, then its part contradicts the pin that only part's other half reveals.
    index.add(package("top", "2.0", ("part", "half")), package("top", "1.0", ("part",)))
    index.add(package("part", "1.0"), package("part", "2.0"), package("half", "1.0", ("part<2",)))
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    done = run_pyscript(write_script("import top, part; print(top.__version__, part.__version__)", "top", "part>=2"))
    assert done.stdout == "1.0 2.0\n"
    fetched = [path.rpartition("/")[2] for path in index.paths("*.whl")]
    assert len(fetched) == len(set(fetched))
    assert not list((cache_dir / "tmp").iterdir())


def test_a_slow_index_is_asked_for_what_is_needed_once_and_sixteen_times_at_once_at_most(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    names = [f"part{number}" for number in range(24)]
    index.add(package("whole", requires=tuple(names)), *(package(name) for name in names))
    index.latency_s = 0.05
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    assert run_pyscript(write_script("import whole, part7; print('ran')", "whole")).stdout == "ran\n"
    wheels = [f"{name}-1.0-py3-none-any.whl" for name in ("whole", *names)]
    files = sorted([*wheels, *(f"{wheel}.metadata" for wheel in wheels)])
    assert sorted(path.rpartition("/")[2] for path in index.paths("*.whl*")) == files
    assert len(index.paths()) == len(files) + len(wheels), "each page once"
    assert 4 < index.most_concurrent <= 16
