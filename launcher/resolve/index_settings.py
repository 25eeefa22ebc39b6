"""Which places one resolution looks at, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from launcher.resolve.access import Access
from launcher.resolve.urls import mask_credentials, split_credentials
from launcher.value import Value, field

if TYPE_CHECKING:
    from launcher.script.index_tables import NamedIndex


class IndexSettings(Value):
    """Where to look and how patiently. `refresh` asks the index even about what is fresh in the cache.

    `index_url` None is the default index, which is not looked for where `needs_pages` is False. A location is a URL or,
    also for find-links, a path. `named` are indexes in front of all others; a package in `sources` comes from the one
    of that name and from nowhere else. `origins` is that of `Settings`.
    """

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    named: tuple[NamedIndex, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    access: Access = field(default_factory=Access)
    offline: bool = False
    refresh: bool = False
    timeout_s: float = 15.0
    retries: int = 3
    needs_pages: bool = True
    origins: Mapping[str, str] = field(default_factory=dict)

    def origin_of(self, setting: str) -> str:
        """Return for a message who said where a setting is: ``find-links in config.toml``, ``--find-links``."""
        key, origin = setting.replace("_", "-"), self.origins.get(setting, "")
        return origin if key in origin or "variable" in origin.split() else f"{key} in {origin}" if origin else key

    def name_before(self, location: str) -> str:
        """Return words that name the index at a URL, for the beginning of a message; none where it has no name."""
        names = (each.name for each in self.named if split_credentials(each.url)[0] == location)
        return "".join(f"The index {name}: " for name in names if name)

    def key(self) -> str:
        """Return a text of what decides which files are found; neither how they are reached nor credentials do."""
        named = [(each.name, each.url, each.explicit) for each in self.named]
        places = (self.index_url, self.extra_index_urls, self.find_links, self.no_index, named)
        return mask_credentials(repr((places, sorted(self.sources.items()))))
