"""What was asked for, from wherever it was said: one frozen `Settings`.

Command line > environment > ``[tool.pyscript]`` in the block > ``config.toml`` > pip's configuration > default.
Pure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from launcher.errors import Excerpt, UsageError
from launcher.value import Value, field, replace

if TYPE_CHECKING:
    from launcher.script.index_tables import NamedIndex, Source

LINK_MODES = ("fold", "hardlink", "copy")
"""Each is what the one before falls back to."""

COLORS = ("auto", "always", "never")
PRERELEASES = ("if-necessary", "allow", "disallow")
RESOLUTIONS = ("highest", "lowest", "lowest-direct")

_DURATION = r"\s*(\d+)\s*(s|seconds?|m|minutes?|h|hours?|d|days?|w|weeks?)\s*"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_CUTOFFS = ("exclude_newer", "exclude_newer_package")
_AROUND_OPERATORS = r"\s*(===|[=~!<>]=|[<>,;])\s*"
# In front of an ssh host stands the name of an account, such as git, which is no secret.
_CREDENTIALS = r"(?<!ssh:)//[^/@]+@|//[^/@:]*:[^/@]+@"


class Settings(Value):
    """Every setting with its value; `origins` says for those not at their default where each came from.

    `max_age_s` and `timeout_s` are seconds; `max_age_s` is None where a resolution never ages. `verbosity` is -1 for
    quiet, 0, 1 for ``-v`` or 2 for ``-vv``. `constraint` and `override` are requirements, or files of them;
    `exclude_newer` and the values of `exclude_newer_package` are cutoffs (`launcher.cutoff`), None being none. For
    double-clicks, `gui` is no terminal, and `pause` one that stays open after a script that went well.
    """

    python: str | None = None
    no_python_download: bool = False
    python_mirror: str | None = None
    index_url: str | None = None
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    index: tuple[NamedIndex, ...] = ()
    sources: tuple[Source, ...] = ()
    keyring_provider: str = "disabled"
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    trusted_host: tuple[str, ...] = ()
    no_build: bool = False
    no_build_package: tuple[str, ...] = ()
    no_binary: bool = False
    no_binary_package: tuple[str, ...] = ()
    offline: bool = False
    refresh: bool = False
    upgrade: bool = False
    max_age_s: int | None = None
    constraint: tuple[str, ...] = ()
    override: tuple[str, ...] = ()
    prerelease: str = "if-necessary"
    resolution: str = "highest"
    exclude_newer: str | int | None = None
    exclude_newer_package: tuple[tuple[str, str | int | None], ...] = ()
    locked: bool = False
    frozen: bool = False
    timeout_s: float = 15.0
    retries: int = 3
    link_mode: str = "hardlink" if sys.platform == "win32" else "fold"
    env_file: tuple[str, ...] = ()
    gui: bool = False
    pause: bool = True
    verbosity: int = 0
    color: str = "auto"
    origins: Mapping[str, str] = field(default_factory=dict)

    def resolution_key(self) -> str:
        """Return a text of every setting that can change the outcome of a resolution."""
        places = (self.index_url, self.extra_index_url, self.find_links, self.no_index, self.index, self.sources)
        formats = (self.no_build, self.no_build_package, self.no_binary, self.no_binary_package)
        return repr((places, formats))


class BlockTable(Value):
    """The table of the block that settings are read from: its name, and where a word behind a key stands in it."""

    name: str = "[tool.pyscript]"
    excerpt_of: Callable[[str, str], Excerpt | None] = lambda *_: None


_OUR_TABLE = BlockTable()


class _Setting(Value):
    """How one field is called and read.

    `read` raises ValueError with what would have been right; where the value is a table, also with what is wrong and a
    word to find it by. What a person forbids in a file by one that `forbids`, a block can add to but not take back.
    """

    name: str
    read: Callable[[object], object]
    variable: str | None = None
    in_block: bool = False
    in_config: bool = True
    forbids: bool = False


def key_of(name: str) -> str:
    """Return what the field of a name is called in TOML and, behind two dashes, on the command line."""
    return name.removesuffix("_s").replace("_", "-")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value.strip()


def _texts(value: object) -> tuple[str, ...]:
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError("a list of texts")
    return tuple(items)


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"1", "true", "yes", "on", "0", "false", "no", "off", ""}:
        return value.strip().lower() in {"1", "true", "yes", "on"}
    raise ValueError("true or false")


def _seconds(value: object) -> float:
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        seconds = 0
    if isinstance(value, bool) or not 0 < seconds < 86400:
        raise ValueError("a number of seconds above 0")
    return seconds


def _count(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,2}", str(value).strip()):
        raise ValueError("a number from 0 to 99")
    return int(str(value))


def read_duration(value: object) -> int:
    """Return the seconds in a text such as ``7 days``, ``12h`` or ``1 week``; raises `ValueError` for anything else.

    >>> read_duration("2 days")
    172800
    """
    found = re.fullmatch(_DURATION, str(value).lower())
    if not found:
        raise ValueError('a duration such as "12 hours" or "7 days"')
    return int(found[1]) * _SECONDS[found[2][0]]


def _requirements(value: object) -> tuple[str, ...]:
    """Read requirements or file names; in a text they are separated by blanks, which may stand around operators."""
    return _texts(re.sub(_AROUND_OPERATORS, r"\1", value) if isinstance(value, str) else value)


def _cutoff(value: object) -> str | int:
    if isinstance(value, str) and re.fullmatch(_DURATION, value.lower()):
        return read_duration(value)
    # datetime and this file, and few scripts have a cutoff.
    from launcher.cutoff import read_cutoff  # noqa: PLC0415

    return read_cutoff(value)


def _cutoffs(value: object) -> tuple[tuple[str, str | int | None], ...]:
    # As above.
    from launcher.cutoff import read_cutoffs  # noqa: PLC0415

    return read_cutoffs(value if isinstance(value, Mapping) else _texts(value), _cutoff)


def _one_of(choices: tuple[str, ...]) -> Callable[[object], object]:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return str(value)

    return read


def _table(reader: str) -> Callable[[object], object]:
    def read(value: object) -> object:
        # 1 ms, and few have such tables.
        from launcher.script import index_tables  # noqa: PLC0415

        return getattr(index_tables, reader)(value)

    return read


_SETTINGS = (
    _Setting("python", _text, "PYSCRIPT_PYTHON"),
    # Neither in a block: a script must not undo what its user forbade, nor say where interpreters come from.
    _Setting("no_python_download", _boolean, "PYSCRIPT_NO_PYTHON_DOWNLOAD"),
    _Setting("python_mirror", _text, "PYSCRIPT_PYTHON_MIRROR"),
    _Setting("index_url", _text, "PYSCRIPT_INDEX_URL", in_block=True),
    _Setting("extra_index_url", _texts, "PYSCRIPT_EXTRA_INDEX_URL", in_block=True),
    _Setting("find_links", _texts, "PYSCRIPT_FIND_LINKS", in_block=True),
    _Setting("no_index", _boolean, "PYSCRIPT_NO_INDEX", in_block=True, forbids=True),
    _Setting("index", _table("read_indexes"), in_block=True),
    _Setting("sources", _table("read_sources"), in_block=True, in_config=False),
    _Setting("keyring_provider", _one_of(("disabled", "subprocess")), "PYSCRIPT_KEYRING_PROVIDER"),
    _Setting("cert", _text, "PYSCRIPT_CERT"),
    _Setting("client_cert", _text, "PYSCRIPT_CLIENT_CERT"),
    _Setting("proxy", _text, "PYSCRIPT_PROXY"),
    _Setting("trusted_host", _texts, "PYSCRIPT_TRUSTED_HOST"),
    _Setting("no_build", _boolean, "PYSCRIPT_NO_BUILD", in_block=True, forbids=True),
    _Setting("no_build_package", _texts, "PYSCRIPT_NO_BUILD_PACKAGE", in_block=True, forbids=True),
    _Setting("no_binary", _boolean, "PYSCRIPT_NO_BINARY", in_block=True, forbids=True),
    _Setting("no_binary_package", _texts, "PYSCRIPT_NO_BINARY_PACKAGE", in_block=True, forbids=True),
    _Setting("offline", _boolean, "PYSCRIPT_OFFLINE", in_block=True, forbids=True),
    _Setting("refresh", _boolean, "PYSCRIPT_REFRESH", in_config=False),
    _Setting("upgrade", _boolean, "PYSCRIPT_UPGRADE", in_config=False),
    _Setting("max_age_s", read_duration, "PYSCRIPT_MAX_AGE", in_block=True),
    _Setting("constraint", _requirements, "PYSCRIPT_CONSTRAINT", in_block=True),
    _Setting("override", _requirements, "PYSCRIPT_OVERRIDE", in_block=True),
    _Setting("prerelease", _one_of(PRERELEASES), "PYSCRIPT_PRERELEASE", in_block=True),
    _Setting("resolution", _one_of(RESOLUTIONS), "PYSCRIPT_RESOLUTION", in_block=True),
    _Setting("exclude_newer", _cutoff, "PYSCRIPT_EXCLUDE_NEWER", in_block=True),
    _Setting("exclude_newer_package", _cutoffs, "PYSCRIPT_EXCLUDE_NEWER_PACKAGE", in_block=True),
    _Setting("locked", _boolean, "PYSCRIPT_LOCKED", in_block=True, forbids=True),
    _Setting("frozen", _boolean, "PYSCRIPT_FROZEN"),
    _Setting("timeout_s", _seconds, "PYSCRIPT_TIMEOUT", in_block=True),
    _Setting("retries", _count, "PYSCRIPT_RETRIES", in_block=True),
    _Setting("link_mode", _one_of(LINK_MODES), "PYSCRIPT_LINK_MODE", in_block=True),
    _Setting("env_file", _texts, "PYSCRIPT_ENV_FILE", in_config=False),
    _Setting("gui", _boolean, in_block=True, in_config=False),
    _Setting("pause", _boolean, in_block=True, in_config=False),
    _Setting("verbosity", lambda value: value, in_config=False),  # nobody writes it
    _Setting("color", _one_of(COLORS), in_config=False),
)


def resolve_settings(
    command_line: Mapping[str, object],
    environ: Mapping[str, str],
    block_tool: Mapping[str, object],
    config: Mapping[str, object],
    config_path: str = "config.toml",
    block_table: BlockTable = _OUR_TABLE,
) -> Settings:
    """Merge the layers into one `Settings`.

    `command_line` holds the fields that were given by name; `block_tool` is the block's ``[tool.pyscript]`` table and
    `config` the config file's content. Raises `UsageError` that names the layer, the setting and what is allowed.
    """
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    _refuse_unknown(config, config_path)
    in_script = f"{block_table.name} in the script"
    for setting in _SETTINGS:
        key = key_of(setting.name)
        if setting.name in command_line and command_line[setting.name] is not None:
            value, origin = command_line[setting.name], f"--{key}"
        elif setting.variable and environ.get(setting.variable):
            value, origin = environ[setting.variable], f"the variable {setting.variable}"
        elif setting.in_block and key in block_tool:
            value, origin = block_tool[key], in_script
        elif setting.in_config and key in config:
            value, origin = config[key], config_path
        else:
            continue
        read = read_value(setting.name, value, origin, block_table if origin == in_script else None)
        if setting.forbids and origin == in_script and key in config:
            forbidden = read_value(setting.name, config[key], config_path)
            read, origin = _both(forbidden, read), config_path if forbidden else origin
        values[setting.name] = read
        origins[setting.name] = origin
    if asked := {name: key_of(name) for name in _CUTOFFS if origins.get(name) == in_script}:
        # As in _cutoff.
        from launcher.cutoff import hold_to  # noqa: PLC0415

        written = {name: read_value(name, config[asked[name]], config_path) for name in asked if asked[name] in config}
        origins.update(dict.fromkeys(hold_to({**values, **dict.fromkeys(asked), **written}, values), config_path))
    if "verbosity" not in values:
        values["verbosity"] = verbosity_from(environ)
    settings = Settings(**values, origins=origins)  # type: ignore[arg-type]
    _refuse_credentials_in_block(settings, block_table)
    has_indexes = settings.index or settings.sources
    return _with_indexes_joined(settings, config, config_path, block_table) if has_indexes else settings


def _both(first: object, second: object) -> object:
    """Return the names of both lists, or whether one of two values is true."""
    if isinstance(first, tuple) and isinstance(second, tuple):
        return tuple(dict.fromkeys((*first, *second)))
    return first or second


def read_value(name: str, value: object, origin: str, table: BlockTable | None = None) -> object:
    """Return what a value means for the setting of a name.

    Raises `UsageError` that names the place, shows it in the script where `table` is given, and says what is allowed.
    """
    setting = next(each for each in _SETTINGS if each.name == name)
    try:
        return setting.read(value)
    except ValueError as error:
        raise _wrong_value(key_of(name), value, origin, error, table) from None


def _wrong_value(key: str, value: object, origin: str, error: ValueError, table: BlockTable | None) -> UsageError:
    right, problem, word, *_ = (*error.args, "", "", "")
    if not problem:
        where = "" if key in origin or "variable" in origin.split() else f" for {key}"
        problem = f"{value!r} is not a valid value{where}"
    return UsageError(
        f"{origin}: {problem}.", hint=f"Give {right}.", excerpt=table.excerpt_of(key, word) if table else None
    )


def _with_indexes_joined(
    settings: Settings, config: Mapping[str, object], config_path: str, table: BlockTable
) -> Settings:
    """Return the settings with the config file's indexes behind the script's; every source must name one of them."""
    from launcher.script.index_tables import join_indexes, require_known  # noqa: PLC0415

    origins, key = settings.origins, "index"
    try:
        if is_of_script(origins.get("index", "")) and "index" in config:
            others = read_value("index", config["index"], config_path)
            settings = replace(settings, index=join_indexes(settings.index, others))  # type: ignore[arg-type]
        key = "sources"
        require_known(settings.sources, settings.index)
    except ValueError as error:
        raise _wrong_value(key, None, origins[key], error, table) from None
    return settings


def is_of_script(origin: str) -> bool:
    """Tell whether an origin is a table of the script's block."""
    return origin.endswith("] in the script")


def verbosity_from(environ: Mapping[str, str]) -> int:
    """Return the verbosity that variables ask for. Raises `UsageError` where one is neither true nor false."""
    if is_on("PYSCRIPT_QUIET", environ):
        return -1
    value = environ.get("PYSCRIPT_VERBOSE", "")
    return min(int(value), 2) if value.isdigit() else int(is_on("PYSCRIPT_VERBOSE", environ))


def is_on(name: str, environ: Mapping[str, str]) -> bool:
    """Tell whether a variable is true. Raises `UsageError` where it is neither true nor false."""
    try:
        return _boolean(environ.get(name, ""))
    except ValueError as error:
        raise UsageError(
            f"the variable {name}: {environ[name]!r} is not a valid value.", hint=f"Give {error}."
        ) from None


def _refuse_unknown(config: Mapping[str, object], config_path: str) -> None:
    known = sorted(key_of(setting.name) for setting in _SETTINGS if setting.in_config)
    if unknown := [key for key in config if key not in known]:
        from launcher.config_file import unknown_key  # noqa: PLC0415 - 10 ms with pathlib, for a mistake only

        raise unknown_key(unknown[0], known, config_path)


def _refuse_credentials_in_block(settings: Settings, table: BlockTable) -> None:
    """A script that is passed around must not carry, or make others send, credentials."""
    for name in ("index_url", "extra_index_url", "find_links", "index"):
        if not is_of_script(settings.origins.get(name, "")):
            continue
        value = getattr(settings, name)
        urls = [value] if isinstance(value, str) else [each if isinstance(each, str) else each.url for each in value]
        if any(has_credentials(url) for url in urls):
            raise UsageError(
                f"The script's {table.name} table has a URL with a user name or password in it.",
                hint="Take it out of the script; give it by PYSCRIPT_INDEX_URL or in config.toml.",
            )


def has_credentials(text: str) -> bool:
    """Tell whether there is a URL with a user name or a password in `text`.

    >>> has_credentials("a @ https://me:secret@127.0.0.1/a.whl"), has_credentials("a @ git+ssh://git@example.com/a.git")
    (True, False)
    """
    return "@" in text and re.search(_CREDENTIALS, text) is not None
