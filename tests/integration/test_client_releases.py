"""Models that arrive damaged, too large or twice."""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from context.site import Camera, Site
from fl_client.errors import UnreachableError
from fl_client.inference.dialogue import Start
from fl_client.releases.model_store import ModelStore
from fl_client.releases.release_watcher import MAX_MODEL_BYTES, ReleaseWatcher
from fl_client.uplink.coordinator import Coordinator
from fl_protocol.registration import SiteCredential
from tests.fakes.brightness_pipeline import DEFAULT_DIGEST, BrightnessPipeline

GOOD = b"good model"


class Shelf:
    """A coordinator in memory that offers one model; counts how often it was fetched."""

    def __init__(self, announced: bytes, sent: bytes | None = None, size_bytes: int | None = None) -> None:
        self.num_fetched = 0
        self._sent = announced if sent is None else sent
        self._latest = {
            "schema_version": 1,
            "digest": hashlib.sha256(announced).hexdigest(),
            "size_bytes": len(announced) if size_bytes is None else size_bytes,
            "round_number": 3,
            "created_utc": "2026-03-02T10:00:00Z",
            "card": {},
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answers one request."""
        if request.url.path == "/v1/models/latest":
            return httpx.Response(200, content=json.dumps(self._latest).encode())
        assert request.url.path == f"/v1/models/{self._latest['digest']}"
        self.num_fetched += 1
        return httpx.Response(200, content=self._sent)


@pytest.fixture
def pipeline(tmp_path: Path) -> BrightnessPipeline:
    camera = Camera(name="door")
    start = Start(tmp_path / "site.json", ("door",), tmp_path, 0.0, None, None, None, "info")
    return BrightnessPipeline(start, Site(name="s", cameras=(camera,)), camera)


@pytest.fixture
def watcher_of(tmp_path: Path, pipeline: BrightnessPipeline) -> Callable[[Shelf], ReleaseWatcher]:
    def build(shelf: Shelf) -> ReleaseWatcher:
        client = httpx.Client(base_url="https://coordinator.example", transport=httpx.MockTransport(shelf))
        return ReleaseWatcher(Coordinator(client, "s", SiteCredential("t" * 64)), ModelStore(tmp_path), pipeline)

    return build


def test_new_model_is_used_and_found_again_after_a_restart(
    tmp_path: Path, pipeline: BrightnessPipeline, watcher_of: Callable[[Shelf], ReleaseWatcher]
) -> None:
    shelf = Shelf(GOOD)
    watcher = watcher_of(shelf)
    watcher.poll()
    watcher.poll()
    assert pipeline.model_digest == hashlib.sha256(GOOD).hexdigest()
    assert shelf.num_fetched == 1
    found = ModelStore(tmp_path).current_model()
    assert found is not None
    assert found.read_bytes() == GOOD


def test_model_the_pipeline_refuses_is_fetched_once_and_leaves_nothing(
    tmp_path: Path, pipeline: BrightnessPipeline, watcher_of: Callable[[Shelf], ReleaseWatcher]
) -> None:
    shelf = Shelf(b"bad model")
    watcher = watcher_of(shelf)
    watcher.poll()
    watcher.poll()
    assert (pipeline.model_digest, shelf.num_fetched) == (DEFAULT_DIGEST, 1)
    assert list(tmp_path.iterdir()) == []


def test_model_damaged_on_its_way_is_refused_and_fetched_again(
    tmp_path: Path, pipeline: BrightnessPipeline, watcher_of: Callable[[Shelf], ReleaseWatcher]
) -> None:
    shelf = Shelf(GOOD, sent=b"good modem")
    watcher = watcher_of(shelf)
    for _ in range(2):
        with pytest.raises(UnreachableError, match="do not match"):
            watcher.poll()
    assert (pipeline.model_digest, shelf.num_fetched) == (DEFAULT_DIGEST, 2)
    assert list(tmp_path.iterdir()) == []


def test_model_announced_too_large_is_not_fetched(
    pipeline: BrightnessPipeline, watcher_of: Callable[[Shelf], ReleaseWatcher]
) -> None:
    shelf = Shelf(GOOD, size_bytes=MAX_MODEL_BYTES + 1)
    watcher_of(shelf).poll()
    assert (pipeline.model_digest, shelf.num_fetched) == (DEFAULT_DIGEST, 0)


def test_previous_model_stays_until_the_next_one_is_good(
    tmp_path: Path, pipeline: BrightnessPipeline, watcher_of: Callable[[Shelf], ReleaseWatcher]
) -> None:
    watcher_of(Shelf(GOOD)).poll()
    watcher_of(Shelf(b"bad model")).poll()
    found = ModelStore(tmp_path).current_model()
    assert pipeline.model_digest == hashlib.sha256(GOOD).hexdigest()
    assert found is not None
    assert found.stem == pipeline.model_digest


def test_store_without_a_current_model_means_the_shipped_default(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert store.current_model() is None
    store.store("a" * 64, GOOD)
    store.adopt("a" * 64)
    assert store.current_model() is None  # its bytes do not have that digest
    (tmp_path / "current").write_text("../../etc/passwd")
    assert store.current_model() is None


def test_watcher_that_never_registered_ends_at_once(watcher_of: Callable[[Shelf], ReleaseWatcher]) -> None:
    shelf = Shelf(GOOD)
    watcher = watcher_of(shelf)
    watcher.start()
    watcher.close()
    assert shelf.num_fetched == 0
    assert not any(thread.name == "release-watcher" for thread in threading.enumerate())
