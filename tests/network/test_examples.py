"""Every script in examples/ runs with packages from the default index and does what its docstring says."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from launcher.script.inline_metadata import read_metadata
from tests.conftest import program_path
from tests.support.screen import Screen

pytestmark = pytest.mark.network

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path for path in EXAMPLES.iterdir() if path.is_file() and path.suffix in {".py", ".pyw", ""})
LOCAL_ENVIRONMENT = {"NO_PROXY": "127.0.0.1", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
FIRST_VISIT_TIMEOUT_S = 300  # the server starts only when its packages have been downloaded

Run = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one cache for all examples, as they share one at home: nothing is downloaded twice."""
    return tmp_path_factory.mktemp("examples") / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the empty folder in which the examples run."""
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.fixture
def run_example(run_pyscript: Run, shared_cache: Path, folder: Path) -> Run:
    """Run an example in an empty folder; give what it printed, once it has ended well."""
    env = {**LOCAL_ENVIRONMENT, "PYSCRIPT_CACHE_DIR": str(shared_cache)}

    def run(name: str, *arguments: str, stdin: str = "") -> CompletedProcess[str]:
        finished = run_pyscript(str(EXAMPLES / name), *arguments, cwd=folder, env=env, input=stdin)
        assert finished.returncode == 0, finished.stderr
        return finished

    return run


def png_size(path: Path) -> tuple[int, int]:
    """Read width and height from the header of a PNG file."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")  # the whole of it was written
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_has_shebang_block_and_executable_bit(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    metadata, warnings = read_metadata(text, str(script))
    assert text.startswith("#!/usr/bin/env pyscript\n")
    assert metadata.block is not None
    assert metadata.requires_python == ">=3.11"
    assert warnings == ()
    if os.name == "posix":
        assert os.access(script, os.X_OK)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_is_named_in_the_readme_and_tested_below(script: Path) -> None:
    assert f"`pyscript {script.name}" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert f'run_example("{script.name}"' in Path(__file__).read_text(encoding="utf-8")


def test_table_sums_and_sorts(run_example: Run) -> None:
    printed = run_example("table.py", "--sort=-Sum").stdout
    beans = re.findall(r"^│ (\w[^│]*?) +│", printed, re.MULTILINE)
    assert beans[:3] == ["Bean", "Sul de Minas", "Huila"]
    assert "▄▄▄▃▃▂▁▁▃▄▅█ │ 1,004" in printed
    assert re.search(r"289\.5 │ +│ 3,239 │", printed)
    size_bytes = (EXAMPLES / "data" / "coffee.csv").stat().st_size
    assert f"coffee.csv: {size_bytes} Bytes" in printed


def test_table_reads_what_a_spreadsheet_wrote(run_example: Run, folder: Path) -> None:
    (folder / "konten.csv").write_bytes("Name;Betrag\nJosé Müller [x];12,50\nÄnne;3\n".encode("cp1252"))
    printed = run_example("table.py", "konten.csv", "--sort", "Name").stdout
    assert re.search(r"Änne .*\n.*José Müller \[x\]", printed)
    assert " 15.5 │" in printed


def test_table_loses_no_column_of_a_name_used_twice(run_example: Run, folder: Path) -> None:
    (folder / "twice.csv").write_text("Day,Note,Note\nMon,wet,cold\n", encoding="utf-8")
    printed = run_example("table.py", "twice.csv").stdout
    assert re.search(r"│ Note +│ Note \(3\) │", printed)
    assert re.search(r"│ wet +│ cold +│", printed)


def test_query_joins_two_files(run_example: Run) -> None:
    printed = run_example("query.py").stdout
    assert "Tables: coffee, suppliers, weather" in printed
    assert re.search(r"Blue Mountain │ Wallenford Bay +│ +9 │ +612\.0", printed)


def test_query_writes_csv(run_example: Run) -> None:
    printed = run_example("query.py", "select Bean, Jun from coffee where Origin = 'Kenya'", "--csv").stdout
    assert printed == "Bean,Jun\nKirinyaga AA,27\n"


def test_plot_draws_a_png_of_the_size_asked_for(run_example: Run, folder: Path) -> None:
    printed = run_example("plot.py", "--size", "800x450").stdout
    assert printed == "weather.png: Reykjavík, Lisbon, Nairobi, Hobart; 12 points each\n"
    assert png_size(folder / "weather.png") == (800, 450)


def test_plot_draws_only_the_columns_asked_for(run_example: Run, folder: Path) -> None:
    run_example("plot.py", "--only", "Lisbon", "--out", "lisbon.svg")
    drawing = (folder / "lisbon.svg").read_text(encoding="utf-8")
    assert "<!-- Lisbon -->" in drawing
    assert "<!-- Hobart -->" not in drawing


def test_thumbnails_makes_pictures_and_contact_sheet(run_example: Run, folder: Path) -> None:
    printed = run_example("thumbnails.py", "--size", "120", "--out", "small").stdout
    assert "dawn.png: 80 x 120" in printed
    assert "dusk.png: 120 x 80" in printed
    assert len(list((folder / "small").glob("*.jpg"))) == 6
    assert png_size(folder / "small" / "contact-sheet.png") == (3 * 136 + 16, 2 * 158 + 16)


def test_pdfmerge_counts_every_page(run_example: Run, folder: Path) -> None:
    printed = run_example("pdfmerge.py", "--title", "Letters").stdout
    assert "page   4  3 Thanks\nmerged.pdf: 4 pages" in printed
    content = (folder / "merged.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", content)) == 4
    again = run_example("pdfmerge.py", "merged.pdf", "merged.pdf", "--plain", "--out", "twice.pdf")
    assert again.stdout == "page   1  merged\npage   5  merged\ntwice.pdf: 8 pages\n"


def test_qr_shows_and_saves_a_code(run_example: Run, folder: Path) -> None:
    shown = run_example("qr.py", "-", stdin="hello\n").stdout
    assert shown.count("█") > 100
    assert "Version 1-H: hello" in shown
    run_example("qr.py", "hello", "--save", "hello.png", "--scale", "4")
    assert png_size(folder / "hello.png") == (4 * (21 + 8), 4 * (21 + 8))


def test_rest_asks_a_service_of_its_own(run_example: Run) -> None:
    printed = run_example("rest.py").stdout
    assert re.search(r"│ Kõpu +│ Estonia │ +1531 │ +36 │", printed)


@pytest.fixture
def city_service() -> Iterator[str]:
    """Serve JSON that repeats the query and the header it was asked with."""

    class Cities(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            city = {"name": "Porto", "asked": self.path, "token": self.headers["Authorization"]}
            body = json.dumps({"data": {"cities": [city]}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with HTTPServer(("127.0.0.1", 0), Cities) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_rest_asks_the_service_it_is_given(run_example: Run, city_service: str) -> None:
    options = ["--path", "data.cities", "--query", "country=PT", "--header", "Authorization: Bearer abc"]
    printed = run_example("rest.py", city_service, *options).stdout
    assert re.search(r"│ Porto │ /v1\?country=PT │ Bearer abc │", printed)


def test_webpage_answers_one_visitor_and_stops(run_example: Run) -> None:
    port = free_port()

    def visit() -> str:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + FIRST_VISIT_TIMEOUT_S
        while time.monotonic() < deadline and not ended.is_set():
            try:
                with direct.open(f"http://127.0.0.1:{port}/bread", timeout=10) as answer:
                    page: str = answer.read().decode()
                    return page
            except urllib.error.URLError:
                time.sleep(0.1)
        return "nobody answered"

    ended = threading.Event()
    with ThreadPoolExecutor() as visitors:
        visitor = visitors.submit(visit)
        try:
            printed = run_example("webpage.py", "--port", str(port), "--once").stdout
        finally:
            ended.set()
    assert printed == f"Reading notes at http://127.0.0.1:{port}/\n"
    assert "<h1>Bread</h1>" in visitor.result()
    assert '<a href="/coffee">coffee</a>' in visitor.result()


def test_window_draws_itself_without_a_screen(run_example: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_SCALE_FACTOR"):
        monkeypatch.delenv(variable, raising=False)
    printed = run_example("window.py", "9", "--screenshot", "timer.png").stdout
    assert printed == "timer.png: 360 x 360 pixels, 6:00 left\n"
    assert png_size(folder / "timer.png") == (360, 360)


def test_card_draws_a_code_without_a_screen(run_example: Run, folder: Path) -> None:
    printed = run_example("card.pyw", "--name", "Ada Lovelace", "--mail", "ada@example.com", "--save", "ada.png").stdout
    assert printed == "ada.png: the card of Ada Lovelace, QR code 5-L\n"
    assert png_size(folder / "ada.png") == (8 * (37 + 8), 8 * (37 + 8))


def test_card_draws_what_is_typed_into_its_form(run_example: Run, shared_cache: Path, screen: Screen) -> None:
    pytest.importorskip("tkinter")
    run_example("card.pyw", "--name", "Ada", "--save", "ada.png")
    screen.environ["PYSCRIPT_CACHE_DIR"] = str(shared_cache)
    process = screen.start(program_path(), "--offline", EXAMPLES / "card.pyw")
    form = screen.wait_for_window("^Visiting card$")
    box = screen.box_of(form)
    code = replace(box, left=box.left + (box.right - box.left) * 3 // 5)
    empty = screen.picture()
    screen.type(form, "Ada Lovelace\t\t+44 20 7946 0123")
    screen.wait_until(lambda: empty.largest_change(screen.picture(), code), "a code is drawn")
    screen.dismiss(form, "alt+F4")
    assert process.wait() == 0


def test_game_plays_itself_to_the_end(run_example: Run) -> None:
    printed = run_example("game.py", "--demo", "--apples", "12", "--seed", "7").stdout
    assert " 12 of 12 apples\n" in printed
    assert printed.count("▓▓") == 1
    assert re.search(r"^You win after \d+ moves\.$", printed, re.MULTILINE)


def test_wordfreq_counts_forms_as_one_word(run_example: Run) -> None:
    printed = run_example("wordfreq", "-", "--top", "1", stdin="count counted COUNTED counting lamp").stdout
    assert printed == "counted      4  " + "█" * 30 + "\n"


def test_biggest_needs_no_package(run_example: Run, folder: Path) -> None:
    (folder / "films").mkdir()
    (folder / "films" / "long.bin").write_bytes(bytes(3_000_000))
    (folder / "note.txt").write_text("x" * 500, encoding="utf-8")
    printed = run_example("biggest.py").stdout
    assert re.search(rf"3\.0 MB  █{{24}}  films{re.escape(os.sep)}long\.bin\n +500 B +note\.txt", printed)
    assert printed.endswith("2 files, 3.0 MB together\n")


def test_duplicates_moves_all_but_the_oldest(run_example: Run, folder: Path) -> None:
    for number, name in enumerate(("kept.txt", "letters/copy.txt", "copy.txt", ".hidden", "other.txt")):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("another" if name == "other.txt" else "the same", encoding="utf-8")
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    printed = run_example("duplicates.py", ".").stdout
    assert re.search(r"│ kept\.txt +│ letters.copy\.txt +│ +8 Bytes │\n│ +│ copy\.txt", printed)
    assert printed.endswith("Nothing was moved.\n")
    assert "Moved 2 copies into " in run_example("duplicates.py", ".", "--move").stdout
    assert sorted(path.name for path in (folder / "Duplicates").iterdir()) == ["copy 2.txt", "copy.txt"]
    assert (folder / "kept.txt").exists()
    assert run_example("duplicates.py", ".").stdout.endswith(" is there twice.\n")
