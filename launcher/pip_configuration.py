"""pip's own configuration, the last layer before the defaults: people behind a company index have it already.

``PIP_`` variables > the file that ``PIP_CONFIG_FILE`` names > the environment's > the user's > the machine's, but
``[install]`` > ``[global]`` first. Only what says where packages come from is taken; what pip means by it is in its
documentation under "Configuration".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from launcher.errors import UsageError
from launcher.settings import Settings, is_of_script, read_value
from launcher.value import replace

KEYS = (
    *("index-url", "extra-index-url", "find-links", "no-index"),
    *("trusted-host", "cert", "client-cert", "proxy", "keyring-provider"),
)
_SECTIONS = ("global", "install")
_KEYRING_PROVIDERS = {"import": "subprocess", "auto": "disabled"}
"""How `keyring` is reached is ours to say; with ``auto``, pip asks it only where it may ask the person as well."""


def with_pip_configuration(settings: Settings, environ: Mapping[str, str], files: Iterable[str]) -> Settings:
    """Return the settings with pip's values for those that nothing else has set.

    `files` are pip's configuration files, those last that count most. Raises `UsageError` that names the file or the
    variable to mend.
    """
    in_files: dict[tuple[str, str], tuple[str, str]] = {}
    for path in files:
        in_files |= {where: (value, f"pip's {path}") for where, value in _read_file(path).items()}
    # A command's own section counts more than [global], whichever files they stand in.
    found = {key: in_files[section, key] for section in _SECTIONS for key in KEYS if (section, key) in in_files}
    for key in KEYS:
        variable = f"PIP_{key.replace('-', '_').upper()}"
        if environ.get(variable):
            found[key] = (environ[variable], f"the variable {variable}")
    values: dict[str, object] = {}
    origins = dict(settings.origins)
    for key, (text, origin) in found.items():
        name = key.replace("-", "_")
        # What it forbids, a block does not allow, as with the config file.
        is_free = name not in origins or (key == "no-index" and is_of_script(origins[name]) and not settings.no_index)
        if is_free and (value := _ours(key, text)):
            values[name] = read_value(name, value, origin)
            origins[name] = origin
    return replace(settings, **values, origins=origins)


def _read_file(path: str) -> dict[tuple[str, str], str]:
    """Return the values of a file by section and key; keys are written with dashes, whatever the file has."""
    # 4 ms, and variables alone do not need it.
    import configparser  # noqa: PLC0415

    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8") as stream:
            parser.read_file(stream)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        from launcher.resolve.urls import mask_credentials  # noqa: PLC0415 - 5 ms, for a mistake only

        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise UsageError(
            f"pip's configuration file {path} cannot be read: {mask_credentials(reason or str(error))}.",
            hint="Mend it, or set PYSCRIPT_NO_PIP_CONFIG=1 to do without it.",
        ) from error
    return {
        (section, key.replace("_", "-").removeprefix("--")): value
        for section in parser.sections()
        for key, value in parser.items(section)
    }


def _ours(key: str, text: str) -> str:
    """Return a value as our setting of the same name takes it; empty where it says nothing."""
    if key == "keyring-provider":
        return _KEYRING_PROVIDERS.get(text.strip(), text.strip())
    if key == "find-links":
        return " ".join(os.path.expanduser(each) for each in text.split())
    return os.path.expanduser(text.strip()) if key in ("cert", "client-cert") else text.strip()
