"""The model that a box runs: the release, with the site's own parameters in place of those it leaves to sites.

1. The release says which parts every site has for itself. One that says none runs as it came, whatever the site keeps.
2. The model goes by the digest of the release: which one it is made from is what coordinator and operator need to know.
3. Own parameters that are damaged or do not fit are reported, and the release runs as it came.
4. Own parameters are taken up with the next release or restart: whatever is trained in a run is kept before its result
   is released.
"""

import logging
from pathlib import Path

from fl_client.errors import StateError
from fl_client.storage.personal_parameters import load_personal
from model_zoo.backbones.parts import PARTS_BY_NAME, only
from model_zoo.errors import ModelFileError
from model_zoo.onnx_file import read_model_file
from model_zoo.onnx_model import MAX_FILE_BYTES, OnnxModel

logger = logging.getLogger(__name__)


def load_site_model(path: Path, state_dir: Path) -> OnnxModel:
    """Loads a released model for one site.

    Args:
        path: The release.
        state_dir: The site's folder.

    Raises:
        ModelFileError: The release is missing, too large, damaged, of another schema, or does not run.
    """
    content = read_model_file(path, MAX_FILE_BYTES)
    released = OnnxModel(content, str(path))
    if released.metadata.personal_parts == "none":
        return released
    try:
        return _with_own_parts(released, content, state_dir)
    except (StateError, ModelFileError) as error:
        logger.warning("release runs without own parameters", extra={"reason": str(error)})
        return released


def _with_own_parts(released: OnnxModel, content: bytes, state_dir: Path) -> OnnxModel:
    own = load_personal(state_dir)
    if own is None:
        return released
    metadata = released.metadata
    if own.num_steps != metadata.num_steps:
        raise StateError(f"own parameters: expected those for {metadata.num_steps} steps, got {own.num_steps}")
    parameters = only(own.parameters, PARTS_BY_NAME[metadata.personal_parts])
    from model_zoo.export.graft import graft  # only sites with parts of their own need it

    return OnnxModel(graft(content, parameters), "release with own parameters", digest=released.digest)
