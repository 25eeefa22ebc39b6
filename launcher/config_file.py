"""The config file: where it is, and what stands in it, before anybody says what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from launcher.errors import UsageError


def config_path(environ: Mapping[str, str]) -> Path:
    """Return where the config file is looked for: ``PYSCRIPT_CONFIG_FILE``, else the user's configuration directory."""
    if chosen := environ.get("PYSCRIPT_CONFIG_FILE"):
        return Path(chosen).absolute()
    if (xdg := environ.get("XDG_CONFIG_HOME", "")) and Path(xdg).is_absolute():
        return Path(xdg, "pyscript", "config.toml")
    if appdata := environ.get("APPDATA"):
        return Path(appdata, "pyscript", "config.toml")
    return Path(environ.get("HOME") or Path.home(), ".config", "pyscript", "config.toml")


def read_config_file(path: Path) -> dict[str, object]:
    """Return the content of the config file, empty where there is none.

    Raises `UsageError` where it cannot be read or is not TOML.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"The config file {path} cannot be read: {error.strerror}.") from error
    # 4 ms, and most people have no config file.
    import tomli  # noqa: PLC0415

    try:
        return tomli.loads(content.decode())
    except (UnicodeDecodeError, tomli.TOMLDecodeError) as error:
        raise UsageError(f"The config file {path} is not valid TOML: {error}.") from error


def unknown_key(key: str, known: Sequence[str], path: str) -> UsageError:
    """Return the error for a key that is no setting, with the one that was probably meant."""
    import difflib  # noqa: PLC0415 - 6 ms, for a mistake only

    near = difflib.get_close_matches(key, known, 1)
    hint = f"Did you mean {near[0]}?" if near else "Known: " + ", ".join(known)
    return UsageError(f"{path}: there is no setting called {key!r}.", hint=hint)
