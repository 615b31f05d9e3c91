"""``python -m fl_client.inference DESCRIPTOR``: the inference program around the pipeline of the client."""

from context.site import Camera, Site
from fl_client.inference.dialogue import Start
from fl_client.inference.inference_program import Pipeline, main
from fl_client.inference.pipeline import CameraPipeline
from model_zoo.perception.detector import DetectorFile


def camera_pipeline(start: Start, site: Site, camera: Camera) -> Pipeline:
    """The pipeline of the client: perception, the ONNX model, and the camera's own statistics.

    Raises:
        ModelFileError: The model, the detector or the pose model cannot be used.
    """
    chosen = start.detector
    detector = None if chosen is None else DetectorFile(chosen.path, chosen.width_px, chosen.every)
    parts = start.state_dir, start.learn_for_s, start.model_path, detector, start.pose_path
    return CameraPipeline(site, camera, *parts)


if __name__ == "__main__":
    main(camera_pipeline)
