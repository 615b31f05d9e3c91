"""A camera's pipeline with everything behind it: frames in, alerts on disk out."""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from context.event import EventRules
from context.site import Site
from fl_client.capture.wire import CapturedFrame
from fl_client.pipeline import CameraPipeline
from fl_client.recording.clip_writer import ClipWriter, FinishedClip
from fl_client.recording.event_recorder import EventRecorder
from fl_client.storage.database import open_database
from fl_client.storage.events import AlertStore
from fl_client.storage.state_folder import open_state_folder
from tests.fakes.drawn_scene import FPS
from tests.fakes.onnx_models import drawn_model

Shots = Iterable[Iterable[npt.NDArray[np.uint8]]]


def alerts_of(folder: Path, site: Site, began_s: float, learn_for_s: float, shots: Shots) -> list[dict[str, Any]]:
    """The alerts of a site's first camera as they are on disk, oldest first; each has its clip.

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

        def _complete(clip: FinishedClip) -> None:
            alerts.complete(clip.alert_id, clip.digest)

        clips = ClipWriter(state.clips, FPS, _complete)
        recorder = EventRecorder(site.cameras[0].name, pipeline, alerts, clips, EventRules())
        now_s = began_s
        for frames in shots:
            for frame in frames:
                recorder.observe(CapturedFrame(frame, now_s, num_decoded=1), pipeline.process(frame, now_s))
                now_s += 1 / FPS
            pipeline._fitter.submit(lambda: None).result(timeout=30)
            now_s += 2.0
        recorder.close()
        found = [json.loads(path.read_text()) for path in state.alerts.glob("*.json")]
        if {path.stem for path in state.clips.glob("*.webm")} != {alert["alert_id"] for alert in found}:
            raise AssertionError("expected a clip for every alert, and no other")
        return sorted(found, key=lambda alert: str(alert["started_utc"]))
