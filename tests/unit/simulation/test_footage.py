"""Dealing clips out over sites, and labels by frame."""

from pathlib import Path

import numpy as np
import pytest

from model_zoo.datasets.clip import LabelledClip, PictureFolder
from simulation.errors import FootageFolderError
from simulation.footage import Fleet, FolderClip, _dealt, real_fleet, runs, synthetic_fleet


def clips(part: str, count: int) -> list[FolderClip]:
    frames, normal = PictureFolder(Path("/nonexistent")), np.zeros(0, np.int64)
    return [FolderClip(LabelledClip(f"{part} {index}", frames, 10.0, labels=normal)) for index in range(count)]


def dealt(num_training: int, num_testing: int, num_clients: int, notes: tuple[str, ...] = ()) -> Fleet:
    return _dealt("drawn", (clips("training", num_training), clips("testing", num_testing)), num_clients, notes)


def test_every_clip_goes_to_one_site() -> None:
    fleet = dealt(num_training=5, num_testing=4, num_clients=2)
    assert sorted(clip.name for site in fleet.sites for clip in site.training) == [f"training {i}" for i in range(5)]
    assert sorted(clip.name for site in fleet.sites for clip in site.testing) == [f"testing {i}" for i in range(4)]
    assert [len(site.training) for site in fleet.sites] == [3, 2]
    assert fleet.notes == ()


def test_more_sites_than_clips_share_and_the_report_says_so() -> None:
    fleet = dealt(num_training=2, num_testing=1, num_clients=5)
    assert [site.training[0].name for site in fleet.sites] == [f"training {index % 2}" for index in range(5)]
    assert fleet.notes == ("5 clients share 2 training clips: several train on the same one.",)
    assert [len(site.testing) for site in fleet.sites] == [1, 0, 0, 0, 0]


def test_what_the_operator_sees_is_never_what_his_work_is_measured_on() -> None:
    for site in dealt(num_training=2, num_testing=9, num_clients=2).sites:
        seen, measured = ({clip.name for clip in part} for part in (site.feedback, site.held_out))
        assert not seen & measured
        assert seen | measured == {clip.name for clip in site.testing}


def test_footage_without_labels_has_no_operator() -> None:
    fleet = dealt(2, 4, 2, notes=("AUC is null: no labels.",))
    assert not fleet.has_labels
    assert all(site.feedback == site.held_out == () for site in fleet.sites)


def test_sites_of_real_footage_are_open_round_the_clock_and_have_names_of_their_own() -> None:
    sites = [footage.site for footage in dealt(1, 0, 3).sites]
    assert [site.name for site in sites] == ["site00", "site01", "site02"]
    assert {f"{hours.opens}-{hours.closes}" for hours in sites[0].schedule.weekly.values()} == {"00:00-24:00"}


def test_missing_folder_is_refused_by_name() -> None:
    with pytest.raises(FootageFolderError, match=r"^/nonexistent: expected a folder of footage, got nothing$"):
        real_fleet(Path("/nonexistent"), 1)


def test_synthetic_sites_are_those_of_the_seed_and_their_first_ones_of_any_number_of_clients() -> None:
    few, many, other = synthetic_fleet(2, 0), synthetic_fleet(3, 0), synthetic_fleet(2, 1)
    assert [footage.site for footage in few.sites] == [footage.site for footage in many.sites[:2]]
    starts = [[clip.start_s for clip in fleet.sites[0].training] for fleet in (few, many, other)]
    assert starts[0] == starts[1] != starts[2]
    assert few.has_labels
    assert few.context_dependent_kinds


def test_no_clip_is_shown_twice_for_different_ends() -> None:
    (footage,) = synthetic_fleet(1, 0).sites
    parts = (footage.training, footage.validation, footage.testing, footage.feedback, footage.held_out)
    starts = [clip.start_s for part in parts for clip in part]
    assert len(np.unique(starts)) == len(starts)


def test_every_stretch_of_anomalous_frames_is_one_interval() -> None:
    assert runs(np.array([1, 1, 0, 0, 1, 0, 1])) == [(0, 1), (4, 4), (6, 6)]
    assert runs(np.zeros(3, np.int64)) == runs(np.zeros(0, np.int64)) == []
