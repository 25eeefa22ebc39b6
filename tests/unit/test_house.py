"""The rules of the house that no tool checks: what may be imported where, who prints, what the documents must say."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import tomli
from packaging.requirements import Requirement

import launcher
from launcher import errors, pip_configuration, request, settings
from launcher.launch.record import VARIABLES
from launcher.python import demand
from launcher.script.inline_metadata import TOOL_KEYS
from launcher.settings import Settings
from launcher.value import names_of

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "launcher"
MODULES = sorted(PACKAGE.rglob("*.py"))
PYPROJECT = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

BOOTSTRAP = "share/bootstrap/"
"""Copied into bundles, where it is a program of its own and its package is called `pyscript_bundle`."""

FORBIDDEN_NAMES = ("utils", "helpers", "common", "manager")
BUILTIN_ON_WINDOWS = {"nt", "winreg", "msvcrt"}
"""Compiled into python.exe, as `posix` is elsewhere; a guarded import of them is fine."""

STANDARD_ELSEWHERE = {"_sha256", "_sha2"}
"""Of the standard library until 3.11, and since 3.12, for programs that other Pythons than ours run."""

IMPORT_NAMES = {"python-dotenv": "dotenv"}
"""Distributions whose import name is another word; for the rest a dash becomes an underscore."""

IMPORTERS = {
    "build": {"resolve/build.py"},
    "dotenv": {"env_file.py"},
    "filelock": {"cache.py"},
    "installer": {"environment/wheel_store.py"},
    "isal": {"inflate.py"},
    "nab_resolver": {"resolve/explanation.py", "resolve/proof.py", "resolve/provider.py"},
    "pbs_installer": {"python/downloads.py"},
    "python_discovery": {"python/search.py"},
    "rich": {"cli/console.py"},
    "tomlkit": {"script/dependency_array.py"},
    "truststore": {"resolve/tls.py"},
    "unearth": {"resolve/finder.py"},
    "userpath": {"share/search_path.py"},
    "watchfiles": {"cli/watch.py"},
}
"""Dependencies that stand behind one module of ours, or two; import-linter says it too for four of them."""


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """Yield the full name of each module that is imported anywhere in the file, functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or ""


@cache
def top_level_imports() -> dict[str, set[str]]:
    """Return what each module of ours imports, by its path, each name up to its first dot."""
    return {relative(path): {each.partition(".")[0] for each in imported_modules(tree_of(path))} for path in MODULES}


def nodes_that_print_or_exit(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield calls of print, exit and their kin, and anything that writes to the standard streams.

    What stands under ``if __name__ == "__main__":`` is a program, not a module, and may do both.
    """
    programs = {
        inner
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in programs:
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {
            *("print", "exit", "quit", "input", "sys.exit", "os._exit", "os.abort"),
            *(f"sys.{name}.{method}" for name in ("stdout", "stderr") for method in ("write", "writelines")),
        }:
            yield node
        if isinstance(node, ast.Raise) and node.exc and ast.unparse(node.exc).partition("(")[0] == "SystemExit":
            yield node


@pytest.mark.parametrize("path", sorted((PACKAGE / "launch").glob("*.py")), ids=relative)
def test_the_launch_imports_only_what_is_compiled_into_the_interpreter(path: Path) -> None:
    allowed = {*sys.builtin_module_names, *BUILTIN_ON_WINDOWS, "__future__"}
    for name in imported_modules(tree_of(path)):
        assert name in allowed or name == "launcher.launch" or name.startswith("launcher.launch."), name


def test_the_way_in_imports_only_builtins_and_the_launch_at_its_top() -> None:
    tree = tree_of(PACKAGE / "__main__.py")
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    for name in imported_modules(tree):
        assert name in {*sys.builtin_module_names, "__future__"} or name.startswith("launcher.launch"), name


def test_the_package_itself_imports_nothing() -> None:
    assert list(imported_modules(tree_of(PACKAGE / "__init__.py"))) == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if not relative(path).startswith(("cli/", BOOTSTRAP))], ids=relative
)
def test_no_module_outside_cli_prints_or_exits(path: Path) -> None:
    found = [f"line {node.lineno}: {ast.unparse(node)}" for node in nodes_that_print_or_exit(tree_of(path))]  # type: ignore[attr-defined]
    assert found == []


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("print('x')", 1),
        ("import sys\ndef f():\n    sys.stderr.write('x')\n    sys.exit(2)", 2),
        ("raise SystemExit(1)", 1),
        ("raise SystemExit", 1),
        ("if __name__ == '__main__':\n    print('x')", 0),
        ("stream.write('x')", 0),
    ],
)
def test_the_search_for_prints_and_exits_finds_them(code: str, count: int) -> None:
    assert len(list(nodes_that_print_or_exit(ast.parse(code)))) == count


@pytest.mark.parametrize("library", IMPORTERS)
def test_a_library_is_imported_where_it_is_adapted_and_nowhere_else(library: str) -> None:
    importers = {path for path, names in top_level_imports().items() if library in names}
    assert importers == IMPORTERS[library]


def test_every_dependency_is_imported_and_every_import_is_a_dependency() -> None:
    names = {Requirement(text).name for text in PYPROJECT["project"]["dependencies"]}
    declared = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}
    imported = set().union(*top_level_imports().values())
    standard = sys.stdlib_module_names | BUILTIN_ON_WINDOWS | STANDARD_ELSEWHERE
    assert imported - standard - {"launcher", "pyscript_bundle"} == declared


@pytest.mark.parametrize("path", sorted((PACKAGE / BOOTSTRAP).glob("*.py")), ids=relative)
def test_what_is_copied_into_bundles_imports_the_standard_library_alone(path: Path) -> None:
    names = {name.partition(".")[0] for name in imported_modules(tree_of(path))}
    assert names - sys.stdlib_module_names - BUILTIN_ON_WINDOWS <= {"pyscript_bundle"}


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_file_is_one_noun(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert not any(word in path.stem for word in FORBIDDEN_NAMES)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_copies_with_changes_are_made_in_one_way(path: Path) -> None:
    if path.name != "value.py":
        # `dataclasses.replace` does not know our value types, and no type checker notices.
        assert not re.search(
            r"from dataclasses import .*\breplace\b|dataclasses\.replace", path.read_text(encoding="utf-8")
        )


def test_the_installed_version_is_the_one_of_the_package() -> None:
    assert metadata.version("pyscript-launcher") == launcher.__version__


def test_every_dependency_is_explained() -> None:
    page = (ROOT / "docs/explanation/dependencies.md").read_text(encoding="utf-8")
    rows = {cells[1].strip(): cells[2] for cells in (line.split("|") for line in page.splitlines()) if len(cells) > 4}
    for text in PYPROJECT["project"]["dependencies"]:
        name = Requirement(text).name
        assert f"`{name}`" in rows
        if importers := IMPORTERS.get(IMPORT_NAMES.get(name, name.replace("-", "_"))):
            assert set(re.findall(r"`([\w/]+)`", rows[f"`{name}`"])) == {each.removesuffix(".py") for each in importers}


def test_every_room_is_in_the_table_of_the_architecture() -> None:
    page = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    firsts = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    rooms = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith("__")}
    assert set(re.findall(r"`(\w+)`", "".join(firsts))) == rooms


def test_the_newest_python_is_the_one_that_is_declared() -> None:
    """Whoever declares another one is reminded of what is downloaded where a script leaves the choice open."""
    series = [each.rpartition("::")[2].strip() for each in PYPROJECT["project"]["classifiers"] if ":: 3." in each]
    assert max(int(each.partition(".")[2]) for each in series) == demand.NEWEST_MINOR


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    for name in names_of(Settings):
        if name not in {"origins", "verbosity"}:
            assert f"`{settings.key_of(name)}`" in page


def test_a_launch_record_knows_every_variable_that_a_setting_has() -> None:
    """One that it does not know would be passed over by the next warm launch."""
    # Where to download an interpreter from is no question any more where there is one.
    without = {None, "PYSCRIPT_NO_PYTHON_DOWNLOAD", "PYSCRIPT_PYTHON_MIRROR"}
    # How an index is reached does not change what it has.
    without |= {f"PYSCRIPT_{name}" for name in ("CERT", "CLIENT_CERT", "KEYRING_PROVIDER", "PROXY", "TRUSTED_HOST")}
    assert {setting.variable for setting in settings._SETTINGS} - without <= set(VARIABLES)


def test_what_is_listed_twice_for_the_sake_of_the_imports_is_the_same() -> None:
    assert set(TOOL_KEYS) == {settings.key_of(setting.name) for setting in settings._SETTINGS if setting.in_block}
    assert {f"PIP_{key.replace('-', '_').upper()}" for key in pip_configuration.KEYS} == request._PIP_VARIABLES


def test_every_error_is_documented_with_its_exit_code() -> None:
    page = (ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    for error in errors.PyscriptError.__subclasses__():
        assert re.search(rf"^\| `{error.__name__}` \| {error.default_exit_code} \|", page, re.MULTILINE), error.__name__


def test_every_error_stands_in_the_tree_of_the_module_docstring() -> None:
    for error in errors.PyscriptError.__subclasses__():
        assert f"── {error.__name__} " in (errors.__doc__ or "")


def test_ci_finds_the_test_command_in_the_readme() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.search(r"^python3 -m venv .*nox$", line)] != []


def test_nox_sessions_run_from_a_script_block() -> None:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert text.startswith("# /// script\n") and '"nox' in text


@pytest.mark.parametrize("path", ["launcher", "docs", "examples", "tests", "README.md"])
def test_no_machine_or_registry_is_named(path: str) -> None:
    """The path of one checkout holds nowhere else, and which host serves the index is the reader's own business."""
    registry = "pypi" + ".org"
    for file in [ROOT / path] if path.endswith(".md") else (ROOT / path).rglob("*"):
        if file.suffix in {".py", ".md", ".sh", ".toml"} and "_build" not in file.parts:
            text = file.read_text(encoding="utf-8", errors="replace")
            assert registry not in text, file
            assert str(ROOT) not in text, file
