"""What a site calls its zones, lines and cameras, and how near a word must come to be one of them."""

import dataclasses
import re
from collections.abc import Iterable, Mapping

import rapidfuzz

from context.english.words import SKIPPED, ZONE_KIND_WORDS
from context.site import Site

LEAST_LIKENESS = 84.0
"""Percent of letters that must agree for a mistyped name."""
LEAST_LEAD = 6.0
"""Percent that the best name must be ahead of the next, or both are possible."""
SHORTEST_MISTYPED = 4

_WORD = re.compile(r"[0-9a-z]+(?:[.:][0-9]+)?")


@dataclasses.dataclass(frozen=True)
class Named:
    """What a name stands for.

    Attributes:
        terminal: ``ZONE``, ``LINE`` or ``CAMERA``.
        names: One name; of zones, all that the words can mean together.
    """

    terminal: str
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The names of one site, by the words they are written in.

    Attributes:
        places: Zones and lines.
        cameras: Cameras.
        longest: Words of the longest name.
    """

    places: Mapping[str, Named]
    cameras: Mapping[str, Named]
    longest: int


def vocabulary_of(site: Site) -> Vocabulary:
    """The names of a site; zones may also be called by their kind, unless one has that name."""
    zones = [zone for camera in site.cameras for zone in camera.zones]
    by_kind: dict[str, Named] = {}
    for words, kind in ZONE_KIND_WORDS.items():
        names = tuple(dict.fromkeys(zone.name for zone in zones if zone.kind is kind))
        if names:
            by_kind[_plain(words)] = Named("ZONE", names)
    lines = [line.name for camera in site.cameras for line in camera.lines]
    places = by_kind | _named("LINE", lines) | _named("ZONE", [zone.name for zone in zones])
    cameras = _named("CAMERA", [camera.name for camera in site.cameras])
    return Vocabulary(places, cameras, max(len(name.split()) for name in {*places, *cameras}))


def nearest(words: str, names: Mapping[str, Named]) -> list[Named]:
    """What mistyped words may mean: nothing, one thing, or several that are about as near."""
    if len(words) < SHORTEST_MISTYPED:
        return []
    found = rapidfuzz.process.extract(words, names.keys(), scorer=rapidfuzz.fuzz.ratio, score_cutoff=LEAST_LIKENESS)
    if not found:
        return []
    best = found[0][1]
    return list(dict.fromkeys(names[name] for name, likeness, _ in found if best - likeness < LEAST_LEAD))


def _named(terminal: str, names: Iterable[str]) -> dict[str, Named]:
    return {_plain(name): Named(terminal, (name,)) for name in names}


def _plain(name: str) -> str:
    """A name as it is looked up: its words in small letters, without those that sentences are rid of."""
    words = _WORD.findall(name.lower())
    return " ".join([word for word in words if word not in SKIPPED] or words) or name.lower()
