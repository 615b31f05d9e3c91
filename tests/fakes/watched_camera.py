"""A camera's pipeline with everything behind it: frames in, alerts on disk out."""

import contextlib
import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from context.event import EventRules
from context.site import Site
from fl_client.inference.pipeline import CameraPipeline
from fl_client.inference.scored import observation_of
from fl_client.recording.event_recorder import EventRecorder
from fl_client.storage.database import open_database
from fl_client.storage.events import AlertStore
from fl_client.storage.state_folder import open_state_folder
from tests.fakes.drawn_scene import FPS
from tests.fakes.onnx_models import drawn_model


class _NoClips:
    """A camera of which nothing is recorded."""

    def cut_clip(self, alert_id: str, from_s: float) -> None:
        pass

    def end_clip(self, alert_id: str, until_s: float) -> None:
        pass


@dataclasses.dataclass(frozen=True)
class _Tubelets:
    """The pipeline as the recorder asks it."""

    pipeline: CameraPipeline

    @property
    def model_digest(self) -> str:
        return self.pipeline.model_digest

    def keep_event_tubelets(self, _camera: str, alert_id: str, started_s: float, ended_s: float) -> None:
        self.pipeline.keep_event_tubelets(alert_id, started_s, ended_s)


Shots = Iterable[Iterable[npt.NDArray[np.uint8]]]


def alerts_of(folder: Path, site: Site, began_s: float, learn_for_s: float, shots: Shots) -> list[dict[str, Any]]:
    """The alerts of a site's first camera as they are on disk, oldest first, without clips.

    Args:
        folder: Where the state goes.
        site: The site.
        began_s: Instant of the first frame, seconds since 1970 UTC.
        learn_for_s: Seconds it learns for.
        shots: Frames, ``FPS`` a second, with two seconds between shots; what is learned beside is awaited there.
    """
    model = folder / "model.onnx"
    model.write_bytes(drawn_model())
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(open_state_folder(folder / "state"))
        database = open_database(state.database_path)
        stack.callback(database.close)
        alerts = AlertStore(database, state.alerts)
        pipeline = CameraPipeline(site, site.cameras[0], state.path, learn_for_s, model)
        stack.callback(pipeline.close)

        recorder = EventRecorder(site.cameras[0].name, _NoClips(), _Tubelets(pipeline), alerts, EventRules())
        now_s = began_s
        for frames in shots:
            for frame in frames:
                recorder.observe(observation_of(pipeline.process(frame, now_s)))
                now_s += 1 / FPS
            pipeline._fitter.submit(lambda: None).result(timeout=30)
            now_s += 2.0
        recorder.end_event()
        for alert_id in alerts.interrupted():
            recorder.clip_finished(alert_id, None)
        found = [json.loads(path.read_text()) for path in state.alerts.glob("*.json")]
        return sorted(found, key=lambda alert: str(alert["started_utc"]))
