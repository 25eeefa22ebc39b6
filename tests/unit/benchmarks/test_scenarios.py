"""The pure parts of running tools: what is read from uv, what a script says, what a child may see."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from tests.benchmarks import mirror, scenarios, table, workspace
from tests.benchmarks.measure import RunFailed
from tests.benchmarks.plan import SETS
from tests.benchmarks.scenarios import installed
from tests.benchmarks.workspace import clean_environ


@pytest.mark.parametrize("module", [mirror, scenarios, table, workspace])
def test_doctests_hold(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Installed 9 packages in 7ms", (9, 7.0)),
        ("Installed 1 package in 1.05s", (1, 1050.0)),
        ("Installed 90 packages in 1m 02s", (90, 62_000.0)),
    ],
)
def test_uv_tells_what_installing_took(line: str, expected: tuple[int, float]) -> None:
    assert installed(f"Resolved 9 packages in 80ms\n{line}\n + rich==15.0.0\n") == expected


def test_an_installation_that_did_not_happen_is_a_failure() -> None:
    with pytest.raises(RunFailed, match='printed no line "Installed N packages in X"') as caught:
        installed("Audited 9 packages in 1ms\n")
    assert caught.value.detail == "Audited 9 packages in 1ms\n"


def test_children_see_proxies_and_certificates_but_no_settings() -> None:
    kept = {"https_proxy": "p", "NO_PROXY": "n", "SSL_CERT_FILE": "c", "REQUESTS_CA_BUNDLE": "b"}
    dropped = (
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH",
        "PIP_INDEX_URL",
        "UV_PYTHON",
        "PYSCRIPT_OFFLINE",
        "VIRTUAL_ENV",
        "PATH",
    )
    assert clean_environ(kept | dict.fromkeys(dropped, "x")) == kept


@pytest.mark.parametrize("name", SETS)
def test_the_body_of_a_set_fails_where_a_module_is_missing(name: str) -> None:
    body = compile(SETS[name].body.replace(repr(SETS[name].modules), "('no_such_module',)"), "script.py", "exec")
    with pytest.raises(SystemExit, match="no_such_module is missing"):
        exec(body, {})
