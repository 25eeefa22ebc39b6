"""A cache that is filled for measuring looks as if that many scripts had been launched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from launcher.cache import Bucket
from launcher.launch import record as records
from tests.benchmarks.crowd import fill

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links environments as POSIX has them")

SCRIPT = Path("/somewhere/script.py")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return what one launch leaves, as far as filling looks at it."""
    environment = tmp_path / Bucket.ENVIRONMENTS / ("e" * 32)
    record = records.LaunchRecord(
        f"{environment}/bin/python", str(environment), records.variables_of({}), head=b"# a head\n"
    )
    path = Path(records.record_path(str(tmp_path), (str(SCRIPT),), "/") or "")
    record.place = str(SCRIPT)
    for file in (
        *(environment / name for name in ("used", ".pyscript", "pyvenv.cfg")),
        *(tmp_path / Bucket.RESOLUTIONS / ("r" * 32), tmp_path / Bucket.WHEELS / ("a" * 64) / "manifest", path),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (environment / "bin").mkdir()
    (environment / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / Bucket.LAUNCH / records.STAMPS_DIRECTORY).mkdir()
    path.write_bytes(records.encode(record) or b"")
    return tmp_path


def test_every_other_script_has_a_record_of_an_environment_of_its_own(cache: Path) -> None:
    fill(cache, SCRIPT, 3)
    paths = [records.record_path(str(cache), (str(SCRIPT.with_name(f"script-{n}.py")),), "/") for n in range(3)]
    found = [records.read(str(path)) for path in paths]
    assert len({record.program for record in found if record}) == 3
    assert all(record and Path(record.program).exists() for record in found)
    assert len(list((cache / Bucket.ENVIRONMENTS).iterdir())) == 1 + 3
    assert len(list((cache / Bucket.WHEELS).glob("*/manifest"))) == 1 + 3
    assert len(list((cache / Bucket.RESOLUTIONS).iterdir())) == 1 + 3
    assert len(list((cache / Bucket.LAUNCH / records.STAMPS_DIRECTORY).iterdir())) == 3


def test_a_script_that_was_not_launched_is_no_pattern(cache: Path) -> None:
    with pytest.raises(ValueError, match="was not launched"):
        fill(cache, Path("/somewhere/else.py"), 1)
