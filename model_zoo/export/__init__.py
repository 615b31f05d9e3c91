"""From parameters to ONNX files."""
