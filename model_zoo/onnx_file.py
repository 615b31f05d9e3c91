"""Reading ONNX files: bounded in size, run on the CPU by as many threads as asked for, and refused in one line."""

from pathlib import Path

import onnxruntime

from model_zoo.errors import ModelFileError


def read_model_file(path: Path, max_bytes: int) -> bytes:
    """The content of a file.

    Raises:
        ModelFileError: The file is missing or too large.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes > max_bytes:
            raise ModelFileError(f"{path}: expected at most {max_bytes} bytes, got {size_bytes}")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror}") from error


def open_session(model_bytes: bytes, origin: str, num_threads: int = 1) -> onnxruntime.InferenceSession:
    """Loads a model into ONNX Runtime.

    Args:
        model_bytes: The file.
        origin: Where it came from, for error messages.
        num_threads: Threads of ONNX Runtime.

    Raises:
        ModelFileError: The file is damaged or no ONNX model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a class of its own for every way to fail
        raise ModelFileError(f"{origin}: not an ONNX model, or damaged") from error
