"""A camera's tubelets on disk: what is read back, what is dropped, what a damaged file costs."""

import os
from pathlib import Path

import numpy as np
import pytest

from context.site import Camera
from fl_client.errors import StateError
from fl_client.storage import tubelet_store
from fl_client.storage.tubelet_store import (
    HELD_OUT_EVERY,
    LABELS,
    MAX_BLOCKS,
    MAX_PENDING,
    Block,
    TubeletStore,
    join_blocks,
)
from tests.fakes.tubelets import CLOSED, OPEN, drawn_block, drawn_tubelets, watched

CAMERA = Camera.model_validate(
    {"name": "c", "index": 7, "zones": [{"name": "T", "kind": "till", "polygon": [[0, 0], [1, 0], [1, 1]]}]}
)


@pytest.fixture
def store(tmp_path: Path) -> TubeletStore:
    return TubeletStore(tmp_path / "camera")


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_block_is_read_back_as_it_was(store: TubeletStore) -> None:
    block = Block(drawn_tubelets(3, 1), watched(OPEN, CLOSED, seconds=12.5))
    store.append(block)
    (again,) = store.blocks(is_held_out=False)
    for name, array in block.tubelets.arrays().items():
        np.testing.assert_array_equal(again.tubelets.arrays()[name], array)
    np.testing.assert_array_equal(again.exposure.context, block.exposure.context)
    assert (again.exposure.state.tolist(), again.exposure.watched_s.tolist()) == ([OPEN, CLOSED], [12.5, 12.5])
    assert store.watched_s() == 25.0


def test_block_without_tubelets_still_counts_as_watched(store: TubeletStore) -> None:
    store.append(drawn_block(0, 1))
    assert store.watched_s() == 60.0
    assert [len(block.tubelets) for block in store.blocks(is_held_out=False)] == [0]


def test_one_block_in_four_is_held_out_and_none_is_in_both(store: TubeletStore) -> None:
    for index in range(2 * HELD_OUT_EVERY):
        store.append(drawn_block(index, index))
    training, held_out = ([len(block.tubelets) for block in store.blocks(is_held_out=flag)] for flag in (False, True))
    assert (training, held_out) == ([0, 1, 2, 4, 5, 6], [3, 7])


def test_oldest_blocks_are_dropped_beyond_the_bound(store: TubeletStore) -> None:
    store.append(drawn_block(0, 0), number=0)
    for number in range(5, 5 + MAX_BLOCKS - 1):
        os.link(store.folder / "footage" / "00000000.npz", store.folder / "footage" / f"{number:08d}.npz")
    store.append(drawn_block(1, 1))
    numbers = sorted(int(path.stem) for path in (store.folder / "footage").iterdir())
    assert (len(numbers), numbers[0], numbers[-1]) == (MAX_BLOCKS, 5, MAX_BLOCKS + 4)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", b"not a block at all"])
def test_damaged_block_is_skipped_with_a_warning_and_the_others_are_read(
    store: TubeletStore, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store.append(drawn_block(1, 0))
    store.append(drawn_block(2, 1))
    (store.folder / "footage" / "00000000.npz").write_bytes(damage)
    assert [len(block.tubelets) for block in store.blocks(is_held_out=False)] == [2]
    assert warnings_in(caplog) == ["damaged block skipped"]
    assert store.watched_s() == 60.0


def test_block_cut_off_anywhere_is_skipped(store: TubeletStore, caplog: pytest.LogCaptureFixture) -> None:
    store.append(drawn_block(1, 0))
    path = store.folder / "footage" / "00000000.npz"
    whole = path.read_bytes()
    for length in range(1, len(whole), len(whole) // 17):
        path.write_bytes(whole[:length])
        assert store.blocks(is_held_out=False) == []
        assert store.watched_s() == 0.0
    assert set(warnings_in(caplog)) == {"damaged block skipped"}


def test_block_with_a_flipped_byte_is_skipped(store: TubeletStore, caplog: pytest.LogCaptureFixture) -> None:
    store.append(drawn_block(1, 0))
    path = store.folder / "footage" / "00000000.npz"
    changed = bytearray(path.read_bytes())
    changed[5000] ^= 0xFF
    path.write_bytes(bytes(changed))
    assert store.blocks(is_held_out=False) == []
    assert warnings_in(caplog) == ["damaged block skipped"]


def test_block_of_another_layout_is_skipped(store: TubeletStore, caplog: pytest.LogCaptureFixture) -> None:
    tubelets, exposure = drawn_tubelets(2, 0), watched(OPEN)
    store.append(Block(tubelets, exposure))
    path = store.folder / "footage" / "00000000.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for change in ({"crops": arrays["crops"][:1]}, {"motion": arrays["motion"].astype(np.float64)}):
        np.savez(path, allow_pickle=False, **(arrays | change))
        assert store.blocks(is_held_out=False) == []
    assert warnings_in(caplog) == ["damaged block skipped"] * 2


def test_block_of_the_schema_before_is_read_as_tubelets_of_young_tracks(store: TubeletStore) -> None:
    store.append(drawn_block(2, 0))
    path = store.folder / "footage" / "00000000.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    shorter = {name: arrays[name][:, -12:] for name in ("crops", "boxes", "motion")}
    np.savez(path, allow_pickle=False, **(arrays | shorter | {"schema_version": np.int64(2)}))
    (block,) = store.blocks(is_held_out=False)
    assert store.watched_s() == 60.0
    for name, steps in shorter.items():
        read = getattr(block.tubelets, name)
        np.testing.assert_array_equal(read[:, -12:], steps)
        np.testing.assert_array_equal(read[:, :4], np.repeat(steps[:, :1], 4, axis=1))


def test_block_of_an_unknown_schema_is_skipped_and_what_it_watched_does_not_count(
    store: TubeletStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.append(drawn_block(2, 0))
    path = store.folder / "footage" / "00000000.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(path, allow_pickle=False, **(arrays | {"schema_version": np.int64(1)}))
    assert store.blocks(is_held_out=False) == []
    assert warnings_in(caplog) == ["damaged block skipped"]
    assert store.watched_s() == 0.0


def test_alert_waits_until_it_is_labelled(store: TubeletStore) -> None:
    store.keep_pending("alert", drawn_tubelets(3, 1))
    assert len(store.labelled()) == 0
    judged = store.label("alert", "false")
    assert judged is not None
    assert judged.label.tolist() == store.labelled().label.tolist() == [LABELS["false"]] * 3
    assert list((store.folder / "pending").iterdir()) == []


def test_later_word_replaces_an_earlier_one(store: TubeletStore) -> None:
    store.keep_pending("alert", drawn_tubelets(2, 1))
    for word in ("false", "confirmed"):
        store.label("alert", word)
    assert store.labelled().label.tolist() == [LABELS["confirmed"]] * 2


def test_alert_that_nothing_is_kept_for_is_none(store: TubeletStore) -> None:
    assert store.label("unknown", "false") is None
    assert len(store.labelled()) == 0


def test_damaged_tubelets_of_an_alert_are_skipped_with_a_warning(
    store: TubeletStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.keep_pending("alert", drawn_tubelets(2, 1))
    (store.folder / "pending" / "alert.npz").write_bytes(b"damaged")
    assert store.label("alert", "false") is None
    assert warnings_in(caplog) == ["damaged tubelets skipped"]


def test_longest_waiting_alerts_are_dropped_beyond_the_bound(store: TubeletStore) -> None:
    store.keep_pending("alert-0", drawn_tubelets(1, 0))
    first = store.folder / "pending" / "alert-0.npz"
    for index in range(1, MAX_PENDING):
        copy = first.with_name(f"alert-{index}.npz")
        copy.write_bytes(b"waiting")
        os.utime(copy, ns=(index, index))
    os.utime(first, ns=(0, 0))
    store.keep_pending("newest", drawn_tubelets(1, 1))
    assert store.label("alert-0", "false") is None
    assert len(list(first.parent.iterdir())) == MAX_PENDING
    assert store.label("newest", "false") is not None


def test_camera_description_is_read_back(store: TubeletStore) -> None:
    store.describe(CAMERA)
    kinds, index = store.zone_kinds_and_index()
    assert (kinds.tolist(), index) == ([0, 3], 7)


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b'{"camera_index": 1}', b'{"camera_index": 1, "zone_kinds": ["x"]}']
)
def test_missing_or_damaged_camera_description_is_an_error_that_names_the_file(
    store: TubeletStore, content: bytes | None
) -> None:
    store.folder.mkdir()
    if content is not None:
        (store.folder / "camera.json").write_bytes(content)
    with pytest.raises(StateError) as error:
        store.zone_kinds_and_index()
    assert str(error.value) == f"{store.folder / 'camera.json'}: missing or damaged camera description"


def test_no_blocks_join_to_none_and_several_to_one() -> None:
    assert join_blocks([]) is None
    joined = join_blocks([drawn_block(1, 0), drawn_block(2, 1, CLOSED)])
    assert joined is not None
    assert (len(joined.tubelets), joined.exposure.state.tolist()) == (3, [OPEN, CLOSED])


def test_batch_of_none_has_the_columns_of_every_other() -> None:
    none = tubelet_store.no_tubelets()
    assert len(none) == 0
    assert {name: (a.dtype, a.shape[1:]) for name, a in none.arrays().items()} == {
        name: (a.dtype, a.shape[1:]) for name, a in drawn_tubelets(1, 0).arrays().items()
    }
