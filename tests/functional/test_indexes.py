"""Several indexes, credentials, certificates and pip's configuration, as a person meets them."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import Certificates, WriteScript, package
from tests.support.index_server import IndexServer

SAYS_VERSION = "import speak; print(speak.__version__)"


@pytest.fixture
def company() -> Iterator[IndexServer]:
    """Return a second index, with another ``speak`` on it."""
    with IndexServer() as server:
        server.add(package("speak", "0.5"))
        yield server


def table(index: IndexServer, *more: str) -> str:
    return "\n".join(["[[tool.pyscript.index]]", 'name = "company"', f'url = "{index.index_url}"', *more])


def flat(text: str) -> str:
    """Undo the wrapping of messages."""
    return " ".join(text.split())


# Several


def test_an_index_of_the_script(
    stocked: IndexServer, company: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script(SAYS_VERSION, block=f'dependencies = ["speak"]\n{table(company)}')
    assert run_pyscript(script).stdout == "0.5\n"
    script = write_script(SAYS_VERSION, block=f'dependencies = ["speak"]\n{table(company, "explicit = true")}')
    assert run_pyscript(script).stdout == "2.0\n", "an explicit index is asked for what names it"
    sources = '[tool.pyscript.sources]\nspeak = { index = "company" }'
    script = write_script(SAYS_VERSION, block=f'dependencies = ["speak"]\n{table(company, "explicit = true", sources)}')
    assert run_pyscript(script).stdout == "0.5\n"


def test_an_index_of_the_config_file_which_the_script_names(
    stocked: IndexServer, company: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[[index]]\nname = "company"\nurl = "{company.index_url}"\nexplicit = true\n')
    run_pyscript.environ["PYSCRIPT_CONFIG_FILE"] = str(config)
    company.credentials = ("me", "secret")
    block = 'dependencies = ["speak"]\n[tool.pyscript.sources]\nspeak = { index = "company" }'
    script = write_script(SAYS_VERSION, block=block)
    refused = run_pyscript(script)
    assert refused.returncode == 1
    assert "answered 401: it wants credentials." in flat(refused.stderr)
    assert "as PYSCRIPT_INDEX_COMPANY_USERNAME and PYSCRIPT_INDEX_COMPANY_PASSWORD" in flat(refused.stderr)
    given = {"PYSCRIPT_INDEX_COMPANY_USERNAME": "me", "PYSCRIPT_INDEX_COMPANY_PASSWORD": "secret"}
    assert run_pyscript(script, env=given).stdout == "0.5\n"
    assert run_pyscript(script).stdout == "0.5\n", "a prepared launch asks nobody"


def test_a_source_that_is_a_file_beside_the_script(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    wheel = package("speak", "3.0").write(tmp_path / "wheels")
    block = f'dependencies = ["speak<2"]\n[tool.pyscript.sources]\nspeak = {{ path = "wheels/{wheel.name}" }}'
    script = write_script(SAYS_VERSION, block=block)
    assert run_pyscript(script, cwd="/").stdout == "3.0\n"


def test_a_table_of_uv_is_honoured_where_ours_is_missing(
    stocked: IndexServer, company: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    theirs = f'[[tool.uv.index]]\nname = "c"\nurl = "{company.index_url}"\n[tool.uv]\nmanaged = true\n'
    script = write_script(SAYS_VERSION, block=f'dependencies = ["speak"]\n{theirs}index-strategy = "unsafe-best-match"')
    done = run_pyscript("-v", script)
    assert done.stdout == "0.5\n"
    assert "index-strategy = 'unsafe-best-match' in [tool.uv] has no effect" in flat(done.stderr)
    assert "Keys of [tool.uv] without effect: managed" in flat(done.stderr)
    script = write_script(SAYS_VERSION, block=f'dependencies = ["speak"]\n{theirs}[tool.pyscript]\ntimeout = 9')
    assert run_pyscript(script).stdout == "2.0\n"


@pytest.mark.parametrize(
    ("lines", "said", "shown"),
    [
        ('[tool.pyscript.sources]\nspeak = { index = "compani" }', "no index is called that", 'index = "compani"'),
        ('[[tool.pyscript.index]]\nname = "a"\nurl = ""', "the index 'a' has no url", 'name = "a"'),
        ("[tool.pyscript]\ntimeout = -1", "-1 is not a valid value for timeout", "timeout = -1"),
        ('[tool.uv]\nno-index = "perhaps"', "'perhaps' is not a valid value for no-index", 'no-index = "perhaps"'),
    ],
)
def test_a_bad_value_shows_its_line(
    run_pyscript: Program, write_script: WriteScript, lines: str, said: str, shown: str
) -> None:
    done = run_pyscript(write_script(block=lines))
    assert done.returncode == 2
    assert said in flat(done.stderr)
    assert shown in done.stderr
    assert "^" in done.stderr


# Credentials


@pytest.mark.skipif(sys.platform == "win32", reason="the keyring program is a shell script here")
def test_the_keyring_program_is_asked_when_it_may_be(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    stocked.credentials = ("me", "secret")
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1 $3" = "get me" ] && echo secret\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{run_pyscript.environ['PATH']}"
    script = write_script("", "speak")
    env = {"PATH": path, "PYSCRIPT_INDEX_URL": stocked.index_url.replace("://", "://me@")}
    refused = run_pyscript(script, env=env)
    assert refused.returncode == 1
    assert "--keyring-provider subprocess" in flat(refused.stderr)
    assert run_pyscript("--keyring-provider", "subprocess", script, env=env).returncode == 0


# Certificates


@pytest.fixture
def secure(certificates: Certificates) -> Iterator[IndexServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    with IndexServer(context) as server:
        server.add(package("greet"))
        yield server


def test_a_self_signed_index(
    secure: IndexServer, certificates: Certificates, run_pyscript: Program, write_script: WriteScript
) -> None:
    script, url = write_script("import greet; print(greet.__version__)", "greet"), secure.index_url
    refused = run_pyscript("-i", url, script)
    assert refused.returncode == 1
    assert "could not be verified" in refused.stderr
    assert "--cert or PYSCRIPT_CERT" in flat(refused.stderr)
    host = secure.origin.removeprefix("https://")
    assert f"--trusted-host {host}" in flat(refused.stderr)
    assert run_pyscript("-i", url, "--cert", certificates.server, script).stdout == "1.0\n"
    assert run_pyscript("--refresh", "-i", url, "--trusted-host", "127.0.0.1", script).stdout == "1.0\n"
    assert run_pyscript("--refresh", "-i", url, "--trusted-host", host, script).stdout == "1.0\n"
    assert run_pyscript("--refresh", "-i", url, "--trusted-host", "127.0.0.1:1", script).returncode == 1


def test_an_index_that_wants_a_client_certificate(
    certificates: Certificates, run_pyscript: Program, write_script: WriteScript
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    context.load_verify_locations(certificates.client)
    context.verify_mode = ssl.CERT_REQUIRED
    script = write_script("import greet; print(greet.__version__)", "greet")
    run_pyscript.environ["PYSCRIPT_CERT"] = str(certificates.server)
    with IndexServer(context) as server:
        server.add(package("greet"))
        run_pyscript.environ["PYSCRIPT_INDEX_URL"] = server.index_url
        refused = run_pyscript("--retries", "0", script)
        assert refused.returncode == 1
        assert "wants a client certificate" in flat(refused.stderr)
        assert "--client-cert" in refused.stderr
        for path, reason in [(certificates.locked, "the key without a password"), (Path("/nowhere"), "No such file")]:
            unusable = run_pyscript("--client-cert", path, script)
            assert unusable.returncode == 2
            assert reason in flat(unusable.stderr)
        assert run_pyscript("--client-cert", certificates.client, script).stdout == "1.0\n"


# Proxies


def test_everything_goes_through_the_proxy(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("", "greet")
    # As a proxy the index gets the whole URL, of which it takes the path.
    assert run_pyscript("-i", "http://index.invalid/simple/", "--proxy", stocked.origin, script).returncode == 0
    assert stocked.paths("/simple/*") == ["/simple/greet/"]
    wrong = run_pyscript("-i", "http://index.invalid/simple/", "--refresh", "--proxy", "telnet://x", script)
    assert wrong.returncode == 2
    assert "A proxy is given as http://host:port" in flat(wrong.stderr)


# pip's configuration


@pytest.mark.skipif(sys.platform == "win32", reason="the places differ")
def test_pips_configuration_is_the_fallback(
    stocked: IndexServer, company: IndexServer, run_pyscript: Program, write_script: WriteScript, home: Path
) -> None:
    del run_pyscript.environ["PYSCRIPT_NO_PIP_CONFIG"], run_pyscript.environ["PYSCRIPT_INDEX_URL"]
    script, chosen = write_script(SAYS_VERSION, "speak"), home / "chosen.conf"
    for path, index in [(home / ".config" / "pip" / "pip.conf", company), (chosen, stocked)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[global]\nindex-url = {index.index_url}\n")
    assert run_pyscript(script).stdout == "0.5\n"
    assert run_pyscript(script, env={"PIP_CONFIG_FILE": str(chosen)}).stdout == "2.0\n"
    assert run_pyscript(script, env={"PIP_INDEX_URL": stocked.index_url}).stdout == "2.0\n"
    assert run_pyscript(script, env={"PYSCRIPT_INDEX_URL": stocked.index_url}).stdout == "2.0\n"
    assert run_pyscript(script).stdout == "0.5\n"


@pytest.mark.skipif(sys.platform == "win32", reason="the places differ")
def test_a_launch_record_knows_the_file_of_pip_that_was_read(
    stocked: IndexServer, company: IndexServer, run_pyscript: Program, write_script: WriteScript, home: Path
) -> None:
    del run_pyscript.environ["PYSCRIPT_NO_PIP_CONFIG"], run_pyscript.environ["PYSCRIPT_INDEX_URL"]
    script, path = write_script(SAYS_VERSION, "speak"), home / ".pip" / "pip.conf"
    path.parent.mkdir()
    path.write_text(f"[global]\nindex-url = {company.index_url}\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert run_pyscript(script).stdout == "0.5\n"
    path.write_text(f"[global]\nindex-url = {stocked.index_url}\n")
    assert run_pyscript(script).stdout == "2.0\n"
    path.write_text("[global\n")
    broken = run_pyscript(script)
    assert broken.returncode == 2
    assert f"pip's configuration file {path} cannot be read" in flat(broken.stderr)
    assert "PYSCRIPT_NO_PIP_CONFIG=1" in broken.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the places differ")
def test_a_launch_notices_where_pip_is_told_something_new(
    stocked: IndexServer, company: IndexServer, run_pyscript: Program, write_script: WriteScript, home: Path
) -> None:
    del run_pyscript.environ["PYSCRIPT_NO_PIP_CONFIG"], run_pyscript.environ["PYSCRIPT_INDEX_URL"]
    script, own = write_script(SAYS_VERSION, "speak"), home / ".config" / "pip" / "pip.conf"
    for name, index in [("one", company), ("two", stocked)]:
        path = home / name / "pip" / "pip.conf"
        path.parent.mkdir(parents=True)
        path.write_text(f"[global]\nindex-url = {index.index_url}\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert run_pyscript(script, env={"XDG_CONFIG_DIRS": str(home / "one")}).stdout == "0.5\n"
    run_pyscript.environ["XDG_CONFIG_DIRS"] = str(home / "two")
    assert run_pyscript(script).stdout == "2.0\n", "another place"
    own.parent.mkdir(parents=True)
    own.write_text(f"[global]\nindex-url = {company.index_url}\n")
    assert run_pyscript(script).stdout == "0.5\n", "a file that was not there"
