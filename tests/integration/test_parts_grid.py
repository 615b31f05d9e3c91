"""Rounds that train films and heads alone, or leave parts to the sites: plain and masked, over real workers."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Message, RecordDict

from fl_client.client_app import SITE_NOT_READY
from fl_client.storage.personal_parameters import PERSONAL_FILE, load_personal
from fl_protocol import records
from fl_protocol.round_vector import RoundSettingsMessage
from fl_server.errors import RoundError
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.server_optimizer import server_optimizer
from fl_server.secure_rounds import SecureRounds, SecureRun
from fl_server.secure_strategy import NUM_EVALUATION, SecureStrategy
from fl_server.strategy import RoundReport, RoundSettings, _content, run_round
from model_zoo.architecture import empty_fleet_normality
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import Parameters, initial_parameters
from model_zoo.backbones.parts import PARTS_BY_NAME, Part, PartChoice, only
from simulation.federation import CLIENT_APP, MEMBERSHIP
from simulation.local_grid import LocalGrid
from tests.fakes.tubelet_sites import enrolled_run, fill_site

NUM_SITES = 3
FILM: frozenset[Part] = frozenset({"film"})
FILM_AND_HEADS: frozenset[Part] = frozenset({"film", "heads"})
ROUNDING = 0.1
"""Length of what a first round's rounding adds to the mean of three sites' updates: 0.07 was seen."""

SETTINGS = RoundSettings(seed=3, num_steps=2, is_conditioned=True, min_sites=NUM_SITES, deadline_s=120.0)


class ListeningGrid(LocalGrid):
    """Keeps every array that sites send."""

    def __init__(self, site_dirs: list[Path]) -> None:
        super().__init__(
            CLIENT_APP, [{"state": str(folder), "membership": str(folder / MEMBERSHIP)} for folder in site_dirs], 2
        )
        self.heard: list[npt.NDArray[Any]] = []

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Hands on what has come."""
        replies = list(super().pull_messages(message_ids))
        for reply in replies:
            if reply.has_content():
                records = [record for record in reply.content.values() if isinstance(record, ArrayRecord)]
                self.heard += [array.numpy() for record in records for array in record.values()]
        return replies

    def holds(self, parameters: Parameters) -> bool:
        """Whether the bytes of any of these arrays were sent."""
        sent = b"|".join(array.tobytes() for array in self.heard)
        return any(array.tobytes() in sent for array in parameters.values() if array.size > 1)


@pytest.fixture(scope="module")
def site_dirs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sites with equally many tubelets."""
    return [fill_site(tmp_path_factory.mktemp(f"site{index}"), index) for index in range(NUM_SITES)]


@pytest.fixture(scope="module")
def run(site_dirs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> SecureRun:
    return enrolled_run(site_dirs, tmp_path_factory.mktemp("roster"))


@pytest.fixture(scope="module")
def workers(site_dirs: list[Path]) -> Iterator[ListeningGrid]:
    """Workers that train for all sites."""
    with ListeningGrid(site_dirs) as grid:
        yield grid


@pytest.fixture
def grid(workers: ListeningGrid, site_dirs: list[Path]) -> ListeningGrid:
    """The same, of sites that have nothing of their own yet."""
    workers.heard.clear()
    forget_own(site_dirs)
    return workers


def forget_own(site_dirs: list[Path]) -> None:
    for folder in site_dirs:
        (folder / PERSONAL_FILE).unlink(missing_ok=True)


def first_state() -> TrainingState:
    parameters = initial_parameters(FilmLstmShape(), 3)
    return TrainingState(parameters, empty_fleet_normality(), server_optimizer("fedavg"), 0)


def plain(grid: ListeningGrid, parts: PartChoice, state: TrainingState) -> TrainingState:
    new, report = run_round(grid, sorted(grid.get_node_ids()), state, dataclasses.replace(SETTINGS, parts=parts))
    assert report.num_survivors == NUM_SITES
    return new


def masked(
    grid: ListeningGrid, run: SecureRun, parts: PartChoice, state: TrainingState
) -> tuple[TrainingState, RoundReport]:
    rounds = SecureRounds(grid, run, lambda newest: newest + 1, deadline_s=SETTINGS.deadline_s)
    rounds.set_up()
    new, report = SecureStrategy(rounds, dataclasses.replace(SETTINGS, parts=parts)).run_round(state)
    assert report.num_survivors == NUM_SITES
    return new, report


def flat(parameters: Parameters) -> npt.NDArray[np.float32]:
    return np.concatenate([array.ravel() for array in parameters.values()])


def unchanged(one: TrainingState, other: TrainingState, parts: frozenset[Part]) -> bool:
    pairs = zip(only(one.parameters, parts).values(), only(other.parameters, parts).values(), strict=True)
    return all(array.tobytes() == before.tobytes() for array, before in pairs)


def rounding(one: TrainingState, other: TrainingState, parts: frozenset[Part]) -> float:
    """How far apart masked and plain parameters are."""
    return float(np.linalg.norm(flat(only(one.parameters, parts)) - flat(only(other.parameters, parts))))


def own_heads(site_dirs: list[Path]) -> list[Parameters]:
    kept = [load_personal(folder) for folder in site_dirs]
    return [dict(one.parameters) for one in kept if one is not None]


def test_films_and_heads_alone_give_the_same_masked_and_plain_and_leave_the_trunk_as_it_was(
    grid: ListeningGrid, run: SecureRun
) -> None:
    start, parts = first_state(), PartChoice("film-and-heads")
    open_ = plain(grid, parts, start)
    summed, report = masked(grid, run, parts, start)
    for state in (open_, summed):
        assert unchanged(state, start, frozenset({"trunk"}))
        assert not unchanged(state, start, FILM_AND_HEADS)
    assert rounding(summed, open_, FILM_AND_HEADS) < ROUNDING < rounding(open_, start, FILM_AND_HEADS)
    _, whole = masked(grid, run, PartChoice(), start)
    assert report.bytes_up < 0.3 * whole.bytes_up


def test_personal_heads_take_no_place_in_a_masked_vector(
    grid: ListeningGrid, run: SecureRun, site_dirs: list[Path]
) -> None:
    start, parts = first_state(), PartChoice("film-and-heads", "heads")
    summed, report = masked(grid, run, parts, start)
    assert len(own_heads(site_dirs)) == NUM_SITES
    assert not any(grid.holds(heads) for heads in own_heads(site_dirs))
    assert unchanged(summed, start, frozenset({"trunk", "heads"}))
    forget_own(site_dirs)
    open_ = plain(grid, parts, start)
    assert rounding(summed, open_, FILM) < ROUNDING < rounding(open_, start, FILM)
    _, both = masked(grid, run, PartChoice("film-and-heads"), start)
    assert report.bytes_up < both.bytes_up - NUM_SITES * 45_857


def test_personal_heads_differ_by_site_are_never_sent_and_outlive_the_workers(
    grid: ListeningGrid, site_dirs: list[Path]
) -> None:
    start, parts = first_state(), PartChoice("all", "heads")
    state = plain(grid, parts, start)
    first = own_heads(site_dirs)
    assert len({heads["head.0.weight"].tobytes() for heads in first}) == NUM_SITES
    with ListeningGrid(site_dirs) as others:
        again = plain(others, parts, state)
    later = own_heads(site_dirs)
    given = only(start.parameters, PARTS_BY_NAME["heads"])
    for before, after in zip(first, later, strict=True):
        moved = {name: array - given[name] for name, array in before.items()}
        moved_on = {name: after[name] - array for name, array in before.items()}
        length, further = (float(np.linalg.norm(flat(one))) for one in (moved, moved_on))
        assert 0 < further < 2 * length  # it went on from where it was
        for secret in (before, after, moved, moved_on):
            assert not grid.holds(secret)
            assert not others.holds(secret)
    assert unchanged(again, start, PARTS_BY_NAME["heads"])
    assert grid.holds({"update": grid.heard[0]})  # the search finds what was sent


@pytest.mark.parametrize(
    ("name", "value"), [("trained-parts", "half"), ("personal-parts", "trunk"), ("personal-parts", 3)]
)
def test_site_refuses_parts_that_it_does_not_know(grid: ListeningGrid, name: str, value: str | int) -> None:
    content = _content(first_state(), SETTINGS, 1)
    settings = content[records.SETTINGS]
    assert isinstance(settings, ConfigRecord)
    settings[name] = value
    node_id = min(grid.get_node_ids())
    (reply,) = grid.send_and_receive([Message(RecordDict(dict(content)), dst_node_id=node_id, message_type="train")])
    assert reply.has_error()
    assert reply.error.code == SITE_NOT_READY


class ForeignSettings(RoundSettingsMessage):
    """What a coordinator of another build tells."""

    def encode(self) -> bytes:
        """Names parts that this build does not know."""
        return super().encode().replace(b'"personal_parts":"none"', b'"personal_parts":"trunk"')


@pytest.mark.parametrize("build", [RoundSettingsMessage, ForeignSettings])
def test_site_masks_nothing_for_parts_that_it_does_not_know(
    grid: ListeningGrid, run: SecureRun, build: type[RoundSettingsMessage]
) -> None:
    state, sizes = first_state(), (NUM_EVALUATION, len(empty_fleet_normality()))
    told = build(
        round_number=1,
        seed=3,
        num_steps=0,
        is_conditioned=True,
        tubelet_steps=12,
        num_sites=NUM_SITES,
        max_norm=1.0,
        max_examples=1,
    )
    rounds = SecureRounds(grid, run, lambda newest: newest + 1, deadline_s=SETTINGS.deadline_s)
    rounds.set_up()
    if build is RoundSettingsMessage:
        assert rounds.run_round(state.parameters, told, sizes).summed.num_survivors == NUM_SITES
    else:
        with pytest.raises(RoundError):
            rounds.run_round(state.parameters, told, sizes)
