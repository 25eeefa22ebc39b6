"""Whether a script from elsewhere may run: what a person agreed to, held against what came.

Content may run from wherever it comes, once it was agreed to. A place counts only where all of the way was in places
that were agreed to: where the script was asked for, every server that led on, and where it came from at last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from launcher.errors import UntrustedScript, UsageError
from launcher.remote_script import RemoteScript
from launcher.script.remote_url import covers, parse_remote
from launcher.trust import Agreement, Trust
from launcher.value import Value


class Standing(Value):
    """What there is to say about a script from elsewhere.

    `agreements` are those by which it may run, `missing` the sha256s that nobody agreed to; `is_named` says that
    the command line names what is needed, `lacks_lock` that the script was agreed to with a lock that is not there
    now. `places` are what would have to be agreed to in order to let run whatever comes the same way; none where
    nobody can vouch for that. `known` are agreements to its content, under whichever URL, and `former` is the last
    one to other content of the same URL.
    """

    agreements: tuple[Agreement, ...] = ()
    missing: tuple[str, ...] = ()
    is_named: bool = False
    lacks_lock: bool = False
    places: tuple[str, ...] = ()
    known: tuple[Agreement, ...] = ()
    former: Agreement | None = None

    @property
    def is_agreed(self) -> bool:
        """Whether it may run."""
        return not self.missing


def standing_of(
    script: RemoteScript, trust: Trust, named: frozenset[str] = frozenset(), unverified: Sequence[str] = ()
) -> Standing:
    """Return how a script stands, given the sha256s that the command line names.

    The hosts in `unverified` show no certificate, so places there say nothing. Raises `DataUnusable` for agreements
    that cannot be believed, and `UntrustedScript` where what is named is not what came.
    """
    if named and (other := [each for each in script.sha256s if each not in named]):
        raise UntrustedScript(
            f"{script.url.shown} is not what --trust names: its sha256 is {' and '.join(other)}.",
            hint="Nothing of it was run. Look at what it is now: pyscript info URL",
        )
    known = tuple(filter(None, map(trust.of_content, script.sha256s)))
    places = places_of(script, unverified)
    if named:
        return Standing(is_named=True, places=places, known=known)
    lacks_lock = script.lock is None and any(one.lock for one in known)
    agreed_to = set() if lacks_lock else {one.sha256 for one in known}
    missing = tuple(each for each in script.sha256s if each not in agreed_to)
    if not missing:
        return Standing(known, places=places, known=known)
    if agreed := _agreed_places(script, trust, places):
        return Standing(agreed, places=places, known=known)
    former = _former(script, trust)
    return Standing((), missing, lacks_lock=lacks_lock, places=places, known=known, former=former)


def places_of(script: RemoteScript, unverified: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the places of the way that a script came; none where one of them can be nobody's to vouch for."""
    found = []
    for hop in dict.fromkeys(hop for file in script.files for hop in file.hops):
        url = parse_remote(hop)
        host = urlsplit(url.url).netloc.rpartition("@")[2]
        if url.place is None or {host, host.partition(":")[0]} & set(unverified):
            return ()
        found.append(url.place)
    return tuple(dict.fromkeys(found))


def agreements_to(script: RemoteScript) -> tuple[Agreement, ...]:
    """Return the agreements to exactly the content of a script."""
    lock = script.lock.sha256 if script.lock else ""
    script_agreement = Agreement(sha256=script.file.sha256, url=script.file.hops[0], lock=lock)
    return (script_agreement, *(Agreement(sha256=each.sha256, url=each.hops[0]) for each in script.files[1:]))


def read_named(texts: Iterable[str]) -> frozenset[str]:
    """Return the sha256s that ``--trust`` names; raises `UsageError` for anything that is none."""
    return frozenset(map(_sha256, texts))


def _sha256(text: str) -> str:
    value = text.strip().lower().removeprefix("sha256").lstrip(":=")
    if len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise UsageError(
            f"--trust: {text!r} names no content.",
            hint="Give the sha256 of what may run, as in sha256:9f86d0…; pyscript info URL shows it.",
        )
    return value


def _agreed_places(script: RemoteScript, trust: Trust, places: Sequence[str]) -> tuple[Agreement, ...]:
    """Return the agreements that cover the whole way, or none where they leave out a part of it."""
    if not places:
        return ()
    found: dict[str, Agreement] = {}
    for hop in dict.fromkeys(hop for file in script.files for hop in file.hops):
        agreement = trust.of_address(parse_remote(hop).address)
        if agreement is None or not covers(agreement.place, parse_remote(hop).address):
            return ()
        found[agreement.place] = agreement
    return tuple(found.values())


def _former(script: RemoteScript, trust: Trust) -> Agreement | None:
    agreements, _ = trust.all()
    same_url = [each for each in agreements if each.url == script.url.shown and each.sha256 != script.file.sha256]
    return same_url[-1] if same_url else None
