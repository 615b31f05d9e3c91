"""What is a site's own: kept on its disk, in place when it trains and evaluates, never in what it sends."""

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from context.site import Camera
from fl_client.errors import StateError
from fl_client.storage import personal_parameters
from fl_client.storage.personal_parameters import (
    PERSONAL_FILE,
    PersonalParameters,
    load_personal,
    network_digest,
    save_personal,
)
from fl_client.storage.tubelet_store import HELD_OUT_EVERY, TubeletStore
from fl_client.training.site_training import Assignment, evaluate_site, site_contribution, train_site
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import Parameters, initial_parameters
from model_zoo.backbones.parts import PARTS_BY_NAME, PartChoice, only, replaced
from tests.fakes.tubelets import Look, drawn_block

SHAPE = FilmLstmShape()
HEADS = PartChoice("all", "heads")
OWN = PersonalParameters({"head.0.bias": np.ones(64, np.float32)}, 12, "digest")


def assignment(round_number: int = 1, parts: PartChoice = HEADS, num_steps: int = 2) -> Assignment:
    return Assignment(initial_parameters(SHAPE, 0), round_number, 4, num_steps, SHAPE, parts=parts)


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A site with one camera."""
    store = TubeletStore(tmp_path / "cameras" / "c")
    store.describe(Camera(name="c", index=7))
    for number in range(HELD_OUT_EVERY):
        store.append(drawn_block(2, number, look=Look(zone_slot=0)))
    return tmp_path


def own_heads(state_dir: Path) -> Parameters:
    own = load_personal(state_dir)
    assert own is not None
    return dict(own.parameters)


def keep(state_dir: Path, parameters: Parameters, num_steps: int = 12) -> None:
    whole = initial_parameters(SHAPE, 0)
    save_personal(state_dir, PersonalParameters(parameters, num_steps, network_digest(whole, num_steps)))


def same(one: Parameters, other: Parameters) -> bool:
    return {name: array.tobytes() for name, array in one.items()} == {
        name: array.tobytes() for name, array in other.items()
    }


def test_own_parameters_come_back_as_they_were_kept(tmp_path: Path) -> None:
    assert load_personal(tmp_path) is None
    save_personal(tmp_path, OWN)
    kept = load_personal(tmp_path)
    assert kept is not None
    assert same(dict(kept.parameters), dict(OWN.parameters))
    assert (kept.num_steps, kept.network_digest) == (12, "digest")
    assert (tmp_path / PERSONAL_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("length", [0, 10, 400])
def test_file_that_is_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    save_personal(tmp_path, OWN)
    path = tmp_path / PERSONAL_FILE
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StateError) as refusal:
        load_personal(tmp_path)
    assert str(refusal.value) == f"{path}: damaged"


def test_file_that_is_too_large_of_another_schema_or_not_finite_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / PERSONAL_FILE
    save_personal(tmp_path, dataclasses.replace(OWN, parameters={"head.0.bias": np.full(64, np.nan, np.float32)}))
    with pytest.raises(StateError, match=r"personal\.npz: expected finite float32 values"):
        load_personal(tmp_path)
    np.savez(path, schema_version=np.int64(9))
    with pytest.raises(StateError, match=r"personal\.npz: expected schema 1, got 9"):
        load_personal(tmp_path)
    monkeypatch.setattr(personal_parameters, "MAX_FILE_BYTES", 100)
    with pytest.raises(StateError, match=r"personal\.npz: expected at most 100 bytes"):
        load_personal(tmp_path)


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"personal\.npz: cannot be written: No such file or directory"):
        save_personal(tmp_path / "absent", OWN)


def test_network_is_named_by_shapes_and_steps_and_not_by_values() -> None:
    digest = network_digest(initial_parameters(SHAPE, 0), 12)
    assert network_digest(initial_parameters(SHAPE, 1), 12) == digest
    assert network_digest(initial_parameters(SHAPE, 0), 8) != digest
    assert network_digest(initial_parameters(FilmLstmShape.conditioned(False), 0), 12) != digest


def test_update_holds_what_is_summed_and_the_rest_of_what_was_trained_stays(state_dir: Path) -> None:
    given = assignment()
    result = train_site(state_dir, given)
    assert list(result.update) == list(only(given.parameters, frozenset({"film", "trunk"})))
    heads = only(given.parameters, PARTS_BY_NAME["heads"])
    assert own_heads(state_dir).keys() == heads.keys()
    moved = [name for name, array in own_heads(state_dir).items() if array.tobytes() != heads[name].tobytes()]
    assert len(moved) == len(heads)


def test_next_round_goes_on_from_what_is_the_sites_own(state_dir: Path) -> None:
    train_site(state_dir, assignment(1))
    first = own_heads(state_dir)
    given = assignment(2)
    once = train_site(state_dir, given)
    # The same round at a site that is given these heads by the coordinator and keeps nothing.
    (state_dir / PERSONAL_FILE).unlink()
    handed = dataclasses.replace(given, parameters=replaced(given.parameters, first), parts=PartChoice())
    whole = train_site(state_dir, handed)
    assert same(once.update, only(whole.update, frozenset({"film", "trunk"})))
    assert not (state_dir / PERSONAL_FILE).exists()


def test_evaluation_judges_the_network_with_the_sites_own_parts(state_dir: Path) -> None:
    heads = only(initial_parameters(SHAPE, 9), PARTS_BY_NAME["heads"])
    given = assignment()
    plain = evaluate_site(state_dir, given).loss
    keep(state_dir, heads)
    handed = dataclasses.replace(given, parameters=replaced(given.parameters, heads), parts=PartChoice())
    assert evaluate_site(state_dir, given).loss == evaluate_site(state_dir, handed).loss != plain
    assert evaluate_site(state_dir, dataclasses.replace(given, parts=PartChoice())).loss == plain


def test_round_that_asks_for_none_or_trains_nothing_leaves_the_file_alone(state_dir: Path) -> None:
    heads = only(initial_parameters(SHAPE, 9), PARTS_BY_NAME["heads"])
    keep(state_dir, heads)
    train_site(state_dir, assignment(parts=PartChoice()))
    contribution = site_contribution(state_dir, assignment(num_steps=0))
    assert same(own_heads(state_dir), heads)
    assert not contribution.update.any()
    assert len(contribution.update) == 25_520 + 235_928


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / PERSONAL_FILE).write_bytes(b"PK"), f"{PERSONAL_FILE}: damaged"),
        (
            lambda folder: keep(folder, only(initial_parameters(SHAPE, 9), PARTS_BY_NAME["heads"]), num_steps=8),
            "they are of another network or of other parts",
        ),
        (
            lambda folder: keep(folder, only(initial_parameters(SHAPE, 9), PARTS_BY_NAME["film"])),
            "they are of another network or of other parts",
        ),
    ],
)
def test_own_parameters_of_no_use_are_reported_and_begin_anew(
    state_dir: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object], reason: str
) -> None:
    train_site(state_dir, assignment())
    anew = own_heads(state_dir)
    spoil(state_dir)
    with caplog.at_level(logging.WARNING):
        train_site(state_dir, assignment())
    (record,) = (record for record in caplog.records if record.name == "fl_client.training.site_training")
    assert record.message == "own parameters begin anew"
    assert str(record.__dict__["reason"]).endswith(reason)
    assert same(own_heads(state_dir), anew)
