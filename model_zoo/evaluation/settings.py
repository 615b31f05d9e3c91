"""What an evaluation runs: the frozen configuration is the defaults here; docs/adr/0008 says how it was chosen."""

from pathlib import Path
from typing import Annotated, Literal

import pydantic

Share = Annotated[float, pydantic.Field(gt=0, lt=1)]


class EvaluationSettings(pydantic.BaseModel, strict=True, frozen=True, extra="forbid", allow_inf_nan=False):
    """Perception, normality and alarm budget of one evaluation."""

    detector: Annotated[
        Path | None,
        pydantic.Field(description="ONNX object detector; objects come from the foreground alone when absent"),
    ] = None
    detector_width_px: Annotated[
        int, pydantic.Field(ge=128, le=1920, description="width the picture is scaled to for the detector")
    ] = 416
    detect_every: Annotated[int, pydantic.Field(ge=1, le=100, description="frames from detection to detection")] = 3
    min_confidence: Annotated[Share, pydantic.Field(description="least confidence of a detection")] = 0.15
    normality: Annotated[
        Literal["gaussian", "mixture", "k-means"], pydantic.Field(description="density over motion and size")
    ] = "mixture"
    components: Annotated[
        int, pydantic.Field(ge=1, le=4096, description="components of a mixture, or centres of k-means")
    ] = 16
    uses_kind: Annotated[bool, pydantic.Field(description="whether what an object seems to be counts")] = True
    network: Annotated[
        bool, pydantic.Field(description="whether the shipped CNN+LSTM counts, conditioned on nothing in particular")
    ] = True
    num_folds: Annotated[
        int, pydantic.Field(ge=2, le=64, description="parts of the training clips, each left out once")
    ] = 4
    num_sites: Annotated[
        int, pydantic.Field(ge=1, le=1000, description="sites the training clips are dealt out to")
    ] = 8
    alarms_per_1000: Annotated[
        float, pydantic.Field(gt=0, lt=1000, description="training frames in a thousand above the alarm threshold")
    ] = 2.0
