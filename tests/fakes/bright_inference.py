"""The inference program around the brightness pipeline: ``python -m tests.fakes.bright_inference DESCRIPTOR``."""

from fl_client.inference.inference_program import main
from tests.fakes.brightness_pipeline import BrightnessPipeline

if __name__ == "__main__":
    main(BrightnessPipeline)
