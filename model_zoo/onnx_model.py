"""A model file as a site runs it: ONNX Runtime session plus the facts stored inside the file."""

import base64
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from model_zoo.architecture import (
    NUM_CONTEXT,
    NUM_STATES,
    NUM_ZONE_KINDS,
    STEPS_READ,
    USUAL_NUM_STEPS,
    NumSteps,
    checked_num_steps,
    empty_fleet_normality,
)
from model_zoo.backbones.parts import PARTS_BY_NAME
from model_zoo.errors import ModelFileError
from model_zoo.onnx_file import open_session, read_model_file
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, Tubelets

SCHEMA_VERSION = 4
_WITHOUT_NUM_STEPS = 3
"""Last schema whose files do not say how many steps the network looks at: all looked at ``USUAL_NUM_STEPS``."""
MAX_FILE_BYTES = 64 * 1024 * 1024
METADATA_KEY = "edgeguard"

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Judged:
    """What a model says of objects; arrays of equal first length."""

    code: Floats
    """To be cached. ``(N, D)``."""
    score: Floats
    """How foreign each is to its context; higher is more unusual. ``(N,)``."""
    oddity: Floats
    """How badly look, motion and context of each fit one another; higher is more unusual. ``(N,)``."""

    def select(self, rows: Indices) -> "Judged":
        """The objects at ``rows``, in that order."""
        return Judged(self.code[rows], self.score[rows], self.oddity[rows])

    @classmethod
    def of_nothing(cls, code_size: int) -> Self:
        """What is said of no object at all."""
        return cls(np.zeros((0, code_size), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32))


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """What a site must know of a model beside its graph; stored in the file itself."""

    round_number: int
    code_size: int
    num_context: int
    num_steps: NumSteps
    """Last steps of a tubelet that the network looks at."""
    zone_kinds: tuple[str, ...]
    states: tuple[str, ...]
    fleet_normality: tuple[float, ...]
    """The fleet's normality sums as one flat vector, one context per zone kind and state; empty before any round."""
    schema_version: int = SCHEMA_VERSION
    personal_parts: str = "none"
    """Parts of the network for which every site has values of its own; a ``PersonalParts``."""

    def as_json(self) -> dict[str, Any]:
        """Plain values for the file; the fleet's normality as float32 in base64, a third of what digits would take."""
        packed = np.asarray(self.fleet_normality, dtype="<f4").tobytes()
        fields = dataclasses.asdict(self) | {"fleet_normality": base64.b64encode(packed).decode()}
        if self.personal_parts == "none":  # builds that know of no personal parts read a model that has none
            del fields["personal_parts"]
        return fields

    @classmethod
    def from_json(cls, fields: object) -> Self:
        """Checks and reads what ``as_json`` wrote; the schema before is read as this one.

        Raises:
            ModelFileError: A field is missing, unknown, of a wrong type or size, or the schema is another one.
        """
        version = fields.get("schema_version") if isinstance(fields, dict) else None
        if not isinstance(fields, dict) or version not in {_WITHOUT_NUM_STEPS, SCHEMA_VERSION}:
            raise ModelFileError(f"expected model schema {_WITHOUT_NUM_STEPS} or {SCHEMA_VERSION}, got {version!r}")
        if version == _WITHOUT_NUM_STEPS:
            fields = fields | {"num_steps": USUAL_NUM_STEPS, "schema_version": SCHEMA_VERSION}
        try:
            sequences = {name: tuple(fields[name]) for name in ("zone_kinds", "states")}
            normality = np.frombuffer(base64.b64decode(fields["fleet_normality"], validate=True), dtype="<f4")
            metadata = cls(**(fields | sequences | {"fleet_normality": tuple(normality.astype(np.float64).tolist())}))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"model metadata is incomplete: {error}") from error
        counts = (metadata.round_number, metadata.code_size, metadata.num_context)
        if not all(isinstance(count, int) and 0 <= count < 2**20 for count in counts):
            raise ModelFileError(f"model metadata: expected small counts, got {counts}")
        if not np.isfinite(normality).all():
            raise ModelFileError("model metadata: fleet normality is not finite")
        metadata._check_sizes()
        return metadata

    def _check_sizes(self) -> None:
        try:
            checked_num_steps(self.num_steps)
        except ValueError as error:
            raise ModelFileError(f"model metadata: {error}") from error
        sizes = (self.num_context, len(self.zone_kinds), len(self.states))
        if sizes != (NUM_CONTEXT, NUM_ZONE_KINDS, NUM_STATES):
            expected = f"{NUM_CONTEXT} context values, {NUM_ZONE_KINDS} zone kinds and {NUM_STATES} states"
            raise ModelFileError(f"model metadata: expected {expected}, got {sizes}")
        names = list(PARTS_BY_NAME)
        if self.personal_parts not in names:
            raise ModelFileError(f"model metadata: expected personal_parts in {names}, got {self.personal_parts!r}")
        if len(self.fleet_normality) not in {0, len(empty_fleet_normality())}:
            raise ModelFileError(f"model metadata: {len(self.fleet_normality)} values of fleet normality do not fit")


class OnnxModel:
    """A loaded model file; thread-safe, holds no state between calls."""

    def __init__(self, model_bytes: bytes, origin: str, num_threads: int = 1, digest: str | None = None) -> None:
        """Loads a model and runs it once, so that a file that cannot run is refused here.

        Args:
            model_bytes: The file.
            origin: Where it came from, for error messages.
            num_threads: Threads of ONNX Runtime.
            digest: SHA-256 of the release that the file was made from; left out: the file is the release.

        Raises:
            ModelFileError: The file is damaged, of another schema, or does not run.
        """
        self.digest = digest or hashlib.sha256(model_bytes).hexdigest()
        self._session = open_session(model_bytes, origin, num_threads)
        try:
            fields = json.loads(self._session.get_modelmeta().custom_metadata_map[METADATA_KEY])
        except (KeyError, ValueError) as error:
            raise ModelFileError(f"{origin}: not a model of this project, or damaged") from error
        try:
            self.metadata = ModelMetadata.from_json(fields)
        except ModelFileError as error:
            raise ModelFileError(f"{origin}: {error}") from error
        self._try_out(origin)

    def _try_out(self, origin: str) -> None:
        size = self.metadata
        zeros = np.zeros(1, dtype=np.int64)
        try:
            judged = self.step(
                np.zeros((1, CROP_SIDE, CROP_SIDE), dtype=np.uint8),
                np.zeros((1, size.num_steps - 1, size.code_size), dtype=np.float32),
                np.zeros((1, size.num_steps, NUM_MOTION), dtype=np.float32),
                (np.zeros((1, size.num_context), dtype=np.float32), zeros, zeros),
            )
        except Exception as error:  # ONNX Runtime raises a class of its own for every way to fail
            raise ModelFileError(f"{origin}: the model's graph does not take our inputs") from error
        is_one = judged.code.shape == (1, size.code_size) and judged.score.shape == judged.oddity.shape == (1,)
        if not (is_one and np.isfinite([judged.score, judged.oddity]).all()):
            raise ModelFileError(
                f"{origin}: expected one finite score, one finite oddity and one code of {size.code_size} values"
            )

    def step(
        self, crop: npt.NDArray[np.uint8], codes: Floats, motion: Floats, condition: tuple[Floats, Indices, Indices]
    ) -> "Judged":
        """Encodes the newest crop of each object and judges it with its cached codes.

        Args:
            crop: ``(N, S, S)``.
            codes: Codes of the steps before, oldest first. ``(N, T - 1, D)``.
            motion: ``(N, T, M)``.
            condition: Context values ``(N, C)``, zone kinds ``(N,)``, camera indices ``(N,)``.

        T is the number of steps that the network looks at, ``metadata.num_steps``.
        """
        context, zone_kind, camera = condition
        inputs = {"crop": crop, "codes": codes, "motion": motion, "context": context}
        return Judged(*self._session.run(None, inputs | {"zone_kind": zone_kind, "camera": camera}))

    def judge_tubelets(self, tubelets: Tubelets, camera_index: int, batch_size: int = 256) -> "Judged":
        """Judges stored tubelets."""
        parts = [
            self._judge_batch(tubelets.select(np.arange(start, min(start + batch_size, len(tubelets)))), camera_index)
            for start in range(0, len(tubelets), batch_size)
        ]
        none = Judged.of_nothing(self.metadata.code_size)
        columns = zip(*((part.code, part.score, part.oddity) for part in (none, *parts)), strict=True)
        return Judged(*(np.concatenate(column) for column in columns))

    def _judge_batch(self, batch: Tubelets, camera_index: int) -> "Judged":
        rows, num_steps = len(batch), self.metadata.num_steps
        batch = batch.last_steps(num_steps)
        condition = (batch.context, batch.zone_kind, np.full(rows, camera_index, dtype=np.int64))
        codes = np.zeros((rows, num_steps - 1, self.metadata.code_size), dtype=np.float32)
        for step in range(num_steps - 1)[STEPS_READ]:  # codes of the others would not be read
            codes[:, step] = self.step(batch.crops[:, step], codes, batch.motion, condition).code
        return self.step(batch.crops[:, -1], codes, batch.motion, condition)


def load_model(path: Path, num_threads: int = 1) -> OnnxModel:
    """Loads a model file.

    Raises:
        ModelFileError: The file is missing, too large, damaged, of another schema, or does not run.
    """
    return OnnxModel(read_model_file(path, MAX_FILE_BYTES), str(path), num_threads)
