"""Settings come from the layer that is nearest to the person, and a wrong one says where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher import settings as settings_module
from launcher.config_file import config_path, read_config_file
from launcher.errors import Excerpt, UsageError
from launcher.request import with_relative_paths_from
from launcher.script.index_tables import NamedIndex, Source
from launcher.settings import (
    BlockTable,
    Settings,
    read_duration,
    resolve_settings,
)


def test_nothing_said_gives_the_defaults() -> None:
    assert resolve_settings({}, {}, {}, {}) == Settings()


def test_each_layer_gives_way_to_the_one_before() -> None:
    layers = [
        {"index_url": "https://a/"},
        {"PYSCRIPT_INDEX_URL": "https://b/"},
        {"index-url": "https://c/"},
        {"index-url": "https://d/"},
    ]
    origins = ["--index-url", "the variable PYSCRIPT_INDEX_URL", "[tool.pyscript] in the script", "config.toml"]
    for position, origin in enumerate(origins):
        cut = [layer if number >= position else {} for number, layer in enumerate(layers)]
        settings = resolve_settings(cut[0], cut[1], cut[2], cut[3])
        assert settings.index_url == f"https://{'abcd'[position]}/"
        assert settings.origins["index_url"] == origin


FORBIDDING = ["no_index", "no_build", "no_build_package", "no_binary", "no_binary_package", "offline", "locked"]


@pytest.mark.parametrize("name", FORBIDDING)
def test_a_block_adds_to_what_the_config_file_forbids_and_takes_nothing_back(name: str) -> None:
    key, variable, is_list = name.replace("_", "-"), f"PYSCRIPT_{name.upper()}", name.endswith("package")
    something, nothing, other = (["a"], [], ["b"]) if is_list else (True, False, True)
    joined = ("a", "b") if is_list else True
    for block, config, value, origin in (
        (nothing, something, ("a",) if is_list else True, "config.toml"),
        (other, something, joined, "config.toml"),
        (something, nothing, ("a",) if is_list else True, "[tool.pyscript] in the script"),
        (nothing, nothing, () if is_list else False, "[tool.pyscript] in the script"),
    ):
        settings = resolve_settings({}, {}, {key: block}, {key: config})
        assert (getattr(settings, name), settings.origins[name]) == (value, origin)
    uv = resolve_settings({}, {}, {key: nothing}, {key: something}, block_table=BlockTable("[tool.uv]"))
    assert uv.origins[name] == "config.toml"
    one_time = resolve_settings({}, {variable: "b" if is_list else "no"}, {}, {key: something})
    assert getattr(one_time, name) == (("b",) if is_list else False), "who says so may"


MARCH, MAY = "2024-03-25T00:00:00Z", "2024-05-25T00:00:00Z"


@pytest.mark.parametrize(
    ("config", "block", "general", "by_project"),
    [
        ({"": MARCH}, {"": MAY}, MARCH, {}),
        ({"": MAY}, {"": MARCH}, MARCH, {}),
        ({"": "2 days"}, {"": "1 day"}, 2 * 86400, {}),
        ({"": "2 days"}, {"": MARCH}, MARCH, {}),
        ({"": MARCH}, {"": "2 days"}, MARCH, {}),
        ({"": MARCH}, {"a": False}, MARCH, {"a": MARCH}),
        ({"": MARCH}, {"a": MAY}, MARCH, {"a": MARCH}),
        ({"": MAY}, {"a": MARCH}, MAY, {"a": MARCH}),
        ({"a": MARCH, "b": False}, {"a": False, "c": MAY}, None, {"a": MARCH, "b": None, "c": MAY}),
        ({"": MARCH, "b": False}, {"": MAY, "B": MAY, "c": False}, MARCH, {"b": MAY, "c": MARCH}),
        ({"": MAY, "b": False}, {"": MARCH}, MARCH, {"b": None}),
        ({}, {"": MARCH, "a": MAY, "b": False}, MARCH, {"a": MAY, "b": None}),
    ],
)
def test_a_block_makes_files_older_than_a_person_wants_them_and_never_newer(
    config: dict[str, object], block: dict[str, object], general: object, by_project: dict[str, object]
) -> None:
    settings = resolve_settings({}, {}, _as_cutoffs(block), _as_cutoffs(config))
    assert settings.exclude_newer == _as_moment(general)
    assert settings.exclude_newer_package == tuple((name, _as_moment(each)) for name, each in by_project.items())


def test_a_cutoff_comes_from_whose_it_is() -> None:
    late, early = _as_cutoffs({"": MAY, "a": False}), _as_cutoffs({"": MARCH, "a": MARCH})
    in_config = resolve_settings({}, {}, late, early).origins
    in_block = resolve_settings({}, {}, early, late).origins
    assert set(in_config.values()) == {"config.toml"}
    assert set(in_block.values()) == {"[tool.pyscript] in the script"}


def test_options_and_variables_undo_a_cutoff_which_then_holds_for_the_block_in_turn() -> None:
    block, config = _as_cutoffs({"": MARCH, "a": False}), _as_cutoffs({"": MARCH})
    for option, variable in (({"exclude_newer": MAY}, {}), ({}, {"PYSCRIPT_EXCLUDE_NEWER": MAY})):
        settings = resolve_settings(option, variable, block, config)
        assert (settings.exclude_newer, settings.exclude_newer_package) == (MAY[:-1], (("a", MAY[:-1]),))
    settings = resolve_settings({"exclude_newer_package": ["a=false"]}, {}, block, config)
    assert settings.exclude_newer_package == (("a", None),)


def test_a_cutoff_in_the_config_file_that_is_wrong_is_told_beside_one_in_the_block() -> None:
    with pytest.raises(UsageError, match=r"config\.toml: 'soon' is not a valid value for exclude-newer"):
        resolve_settings({}, {}, {"exclude-newer": MAY}, {"exclude-newer": "soon"})


def _as_cutoffs(cutoffs: dict[str, object]) -> dict[str, object]:
    """Return a table of both settings; the name of all projects is empty."""
    table: dict[str, object] = {"exclude-newer": cutoffs[""]} if "" in cutoffs else {}
    by_project = {name: each for name, each in cutoffs.items() if name}
    return {**table, "exclude-newer-package": by_project} if by_project else table


def _as_moment(cutoff: object) -> object:
    return cutoff.removesuffix("Z") if isinstance(cutoff, str) else cutoff


def test_what_forbids_is_what_a_block_may_only_add_to() -> None:
    """A setting that is new, may stand in a block and is called no-… has to be thought of."""
    in_block = [each for each in settings_module._SETTINGS if each.in_block]
    assert [each.name for each in in_block if each.forbids] == FORBIDDING
    assert {each.name for each in in_block if each.name.startswith("no_")} <= set(FORBIDDING)


def test_an_option_that_was_not_given_does_not_hide_a_variable() -> None:
    settings = resolve_settings({"offline": None}, {"PYSCRIPT_OFFLINE": "1"}, {}, {})
    assert settings.offline is True


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("PYSCRIPT_EXTRA_INDEX_URL", "https://a/ https://b/", "extra_index_url", ("https://a/", "https://b/")),
        ("PYSCRIPT_NO_INDEX", "false", "no_index", False),
        ("PYSCRIPT_TIMEOUT", "2.5", "timeout_s", 2.5),
        ("PYSCRIPT_RETRIES", "0", "retries", 0),
        ("PYSCRIPT_MAX_AGE", "7 days", "max_age_s", 7 * 86400),
        ("PYSCRIPT_LINK_MODE", "copy", "link_mode", "copy"),
        ("PYSCRIPT_CONSTRAINT", "a < 2 ./c.txt b>=1, <3", "constraint", ("a<2", "./c.txt", "b>=1,<3")),
        ("PYSCRIPT_OVERRIDE", "a==1;python_version<'3.9'", "override", ("a==1;python_version<'3.9'",)),
        ("PYSCRIPT_PRERELEASE", "allow", "prerelease", "allow"),
        ("PYSCRIPT_RESOLUTION", "lowest-direct", "resolution", "lowest-direct"),
        ("PYSCRIPT_EXCLUDE_NEWER", "2024-03-25", "exclude_newer", "2024-03-26T00:00:00"),
        ("PYSCRIPT_EXCLUDE_NEWER", "7 days", "exclude_newer", 7 * 86400),
        (
            "PYSCRIPT_EXCLUDE_NEWER_PACKAGE",
            "B_b=P1D a=false",
            "exclude_newer_package",
            (("a", None), ("b-b", 86400)),
        ),
        ("PYSCRIPT_VERBOSE", "2", "verbosity", 2),
        ("PYSCRIPT_VERBOSE", "yes", "verbosity", 1),
        ("PYSCRIPT_QUIET", "1", "verbosity", -1),
        ("PYSCRIPT_QUIET", "false", "verbosity", 0),
    ],
)
def test_variables_are_texts_and_are_read(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(resolve_settings({}, {variable: text}, {}, {}), name) == value


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (({"timeout_s": "soon"}, {}, {}, {}), "--timeout: 'soon' is not a valid value."),
        (({}, {"PYSCRIPT_RETRIES": "-1"}, {}, {}), "the variable PYSCRIPT_RETRIES: '-1'"),
        (({}, {}, {"link-mode": "symlink"}, {}), "[tool.pyscript] in the script: 'symlink'"),
        (({}, {}, {"max-age": True}, {}), "not a valid value for max-age"),
        (({}, {}, {}, {"timeout": True}), "config.toml: True is not a valid value for timeout."),
        (({}, {}, {}, {"find-links": "./wheels", "indexurl": ""}), "there is no setting called 'indexurl'"),
        (({}, {}, {"find-links": [1]}, {}), "not a valid value for find-links"),
        (({"exclude_newer": "soon"}, {}, {}, {}), "--exclude-newer: 'soon' is not a valid value."),
        (({}, {}, {"exclude-newer": "2024-02-30"}, {}), "not a valid value for exclude-newer"),
        (({}, {}, {"exclude-newer-package": {"a": "soon"}}, {}), "not a valid value for exclude-newer-package"),
        (({}, {}, {"exclude-newer-package": {"a": True}}, {}), "not a valid value for exclude-newer-package"),
        (({"exclude_newer_package": ["=2024-01-01"]}, {}, {}, {}), "--exclude-newer-package: ['=2024-01-01']"),
        (({}, {}, {"exclude-newer-package": 3}, {}), "not a valid value for exclude-newer-package"),
        (({"prerelease": "sometimes"}, {}, {}, {}), "--prerelease: 'sometimes' is not a valid value."),
        (({}, {"PYSCRIPT_RESOLUTION": "newest"}, {}, {}), "the variable PYSCRIPT_RESOLUTION: 'newest'"),
        (({}, {}, {"constraint": 3}, {}), "not a valid value for constraint"),
        (({}, {}, {}, {"override": [3]}), "config.toml: [3] is not a valid value for override."),
        (
            ({}, {"PYSCRIPT_OFFLINE": "perhaps"}, {}, {}),
            "the variable PYSCRIPT_OFFLINE: 'perhaps' is not a valid value.",
        ),
        (({}, {"PYSCRIPT_QUIET": "perhaps"}, {}, {}), "the variable PYSCRIPT_QUIET: 'perhaps' is not a valid value."),
    ],
)
def test_a_wrong_value_says_where_it_stands(layers: tuple[dict[str, object], ...], message: str) -> None:
    with pytest.raises(UsageError, match=r"valid|no setting") as caught:
        resolve_settings(layers[0], layers[1], layers[2], layers[3])  # type: ignore[arg-type]
    assert message in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_a_misspelled_key_of_the_config_file_is_told_how_it_is_written() -> None:
    with pytest.raises(UsageError) as caught:
        resolve_settings({}, {}, {}, {"index-ulr": "x"})
    assert caught.value.hint == "Did you mean index-url?"


@pytest.mark.parametrize("key", ["cache-dir", "python", "env-file", "refresh", "upgrade", "color"])
def test_a_script_cannot_decide_about_the_machine(key: str) -> None:
    assert resolve_settings({}, {}, {key: "x"}, {}) == Settings()


def test_a_script_must_not_carry_credentials() -> None:
    url = "https://me:secret@127.0.0.1/simple/"
    for tool in ({"index-url": url}, {"index": [{"name": "a", "url": url}]}):
        with pytest.raises(UsageError, match="user name or password"):
            resolve_settings({}, {}, tool, {})
    assert resolve_settings({}, {"PYSCRIPT_INDEX_URL": "https://me:secret@127.0.0.1/"}, {}, {}).index_url


def test_find_links_of_a_script_count_from_the_script() -> None:
    tool = {"find-links": ["wheels", "https://127.0.0.1/wheels"]}
    settings = with_relative_paths_from(resolve_settings({}, {}, tool, {}), "/somewhere")
    assert settings.find_links == (str(Path("/somewhere/wheels").absolute()), "https://127.0.0.1/wheels")
    given = with_relative_paths_from(resolve_settings({"find_links": ["wheels"]}, {}, {}, {}), "/somewhere")
    assert given.find_links == ("wheels",)
    sourced = resolve_settings({}, {}, {"sources": {"a": {"path": "../a"}, "b": {"url": "https://h/b.whl"}}}, {})
    paths = [source.path for source in with_relative_paths_from(sourced, "/somewhere").sources]
    assert paths == [str(Path("/a")), None]


COMPANY = {"name": "company", "url": "https://a/simple/"}


def test_indexes_of_the_script_come_before_those_of_the_config_file() -> None:
    tool = {"index": [{"name": "b", "url": "https://b/"}], "sources": {"demo": {"index": "company"}}}
    settings = resolve_settings({}, {}, tool, {"index": [COMPANY]})
    assert settings.index == (NamedIndex("b", "https://b/"), NamedIndex("company", "https://a/simple/"))
    assert settings.sources == (Source("demo", index="company"),)
    assert resolve_settings({}, {}, {}, {"index": [COMPANY]}).index == settings.index[1:]


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ({"sources": {"demo": {"index": "compani"}}}, "demo is to come from 'compani', and no index is called that."),
        ({"index": [COMPANY, COMPANY]}, "two indexes are called 'company'."),
        ({"index": [{**COMPANY, "url": "https://evil/"}]}, "the config file has another index called 'company'."),
        ({"index": "https://a/"}, "'https://a/' is not a valid value for index."),
        ({"sources": {"demo": {"git": "a", "url": "b"}}}, "the source of demo names git and url."),
    ],
)
def test_what_is_wrong_in_a_table_is_said(tool: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_settings({}, {}, tool, {"index": [COMPANY]})
    assert caught.value.message == f"[tool.pyscript] in the script: {message}"
    assert caught.value.hint


def test_the_place_of_a_wrong_value_is_asked_of_the_block() -> None:
    excerpt = Excerpt("x.py", 3, "# timeout = -1", 13, 2)
    asked: list[tuple[str, str]] = []

    def excerpt_of(key: str, word: str) -> Excerpt:
        asked.append((key, word))
        return excerpt

    table = BlockTable("[tool.uv]", excerpt_of)
    with pytest.raises(UsageError) as caught:
        resolve_settings({}, {}, {"timeout": -1}, {}, "config.toml", table)
    assert (caught.value.excerpt, asked) == (excerpt, [("timeout", "")])
    assert caught.value.message == "[tool.uv] in the script: -1 is not a valid value for timeout."
    with pytest.raises(UsageError) as caught:
        resolve_settings({"timeout_s": -1}, {}, {"timeout": -1}, {}, "config.toml", table)
    assert caught.value.excerpt is None


@pytest.mark.parametrize("key", ["cert", "client-cert", "proxy", "trusted-host", "keyring-provider"])
def test_a_script_cannot_decide_whom_to_trust(key: str) -> None:
    assert resolve_settings({}, {}, {key: "x"}, {}) == Settings()
    name = key.replace("-", "_")
    chosen = "subprocess" if key == "keyring-provider" else "/x"
    expected = (chosen,) if key == "trusted-host" else chosen
    assert getattr(resolve_settings({}, {f"PYSCRIPT_{name.upper()}": chosen}, {}, {}), name) == expected
    assert getattr(resolve_settings({}, {}, {}, {key: [chosen] if key == "trusted-host" else chosen}), name) == expected


def test_how_an_index_is_reached_does_not_change_what_is_resolved() -> None:
    reached = resolve_settings({"cert": "/x", "proxy": "http://p", "trusted_host": ["h"]}, {}, {}, {})
    assert reached.resolution_key() == Settings().resolution_key()
    assert resolve_settings({}, {}, {"index": [COMPANY]}, {}).resolution_key() != Settings().resolution_key()


def test_a_script_has_no_say_in_where_interpreters_come_from() -> None:
    tool = {"no-python-download": False, "python-mirror": "https://evil.invalid/"}
    settings = resolve_settings({}, {}, tool, {"no-python-download": True})
    assert (settings.no_python_download, settings.python_mirror) == (True, None)


@pytest.mark.parametrize("text", ["", "7", "7 fortnights", "-1 day", "1 day 2 hours"])
def test_a_duration_needs_a_number_and_a_unit(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        read_duration(text)


def test_the_config_file_is_found_where_the_platform_keeps_them() -> None:
    assert config_path({"PYSCRIPT_CONFIG_FILE": "/x/mine.toml", "HOME": "/h"}) == Path("/x/mine.toml")
    assert config_path({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == Path("/x/pyscript/config.toml")
    assert config_path({"XDG_CONFIG_HOME": "x", "HOME": "/h"}) == Path("/h/.config/pyscript/config.toml")


def test_the_config_file_is_read_or_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert read_config_file(path) == {}
    path.write_text('offline = true\nindex-url = "https://a/"\n')
    assert read_config_file(path) == {"offline": True, "index-url": "https://a/"}
    path.write_text("offline =\n")
    with pytest.raises(UsageError, match=r"config\.toml is not valid TOML.*line 1"):
        read_config_file(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        read_config_file(path)
