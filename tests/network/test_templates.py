"""What `pyscript init` writes runs at once with the real packages."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Program


def test_the_data_template_describes_its_example(run_pyscript: Program, tmp_path: Path) -> None:
    assert run_pyscript("init", "tool", "--template", "data", cwd=tmp_path).returncode == 0
    done = run_pyscript(tmp_path / "tool.py")
    assert done.returncode == 0, done.stderr
    assert "Bergen" in done.stdout


def test_the_web_template_has_what_it_imports(run_pyscript: Program, tmp_path: Path) -> None:
    assert run_pyscript("init", "tool", "--template", "web", cwd=tmp_path).returncode == 0
    done = run_pyscript(tmp_path / "tool.py", "--help")
    assert done.returncode == 0, done.stderr
    # Nobody answers here, and the script says so without a traceback.
    done = run_pyscript(tmp_path / "tool.py", "http://127.0.0.1:9/", env={"HTTP_PROXY": None, "http_proxy": None})
    assert done.returncode == 1
    assert done.stderr.startswith("http://127.0.0.1:9/: ")
    assert "Traceback" not in done.stderr


def test_upgraded_pins_are_the_newest_there_are(run_pyscript: Program, tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text('# /// script\n# dependencies = ["requests==2.31.0", "rich>=13"]\n# ///\nimport requests\n')
    done = run_pyscript("upgrade", script)
    assert done.returncode == 0, done.stderr
    assert "requests==2.31.0" not in script.read_text()
    assert 'rich>=13"' not in script.read_text()
    assert run_pyscript(script).returncode == 0
