"""Noise of a round as a coordinator would choose it, small enough for a test."""

from fl_protocol.round_noise import RoundNoise, SegmentNoise
from fl_protocol.rounding import rounded_max_norm


def segment_noise(norm_steps: float, num_values: int, multiplier: float) -> SegmentNoise:
    """Noise of one segment, whose sensitivity leaves room for rounding."""
    sensitivity = rounded_max_norm(norm_steps, num_values)
    return SegmentNoise(norm_steps=norm_steps, sensitivity=sensitivity, noise_multiplier=multiplier)


def round_noise(multiplier: float = 1.0, max_dropouts: int = 1, max_corrupt: int = 1) -> RoundNoise:
    """Noise of an update of up to 2 048 values."""
    return RoundNoise(
        max_dropouts=max_dropouts,
        max_corrupt=max_corrupt,
        update=segment_noise(90.0, 2048, multiplier),
        statistics=segment_noise(64.0, 2, multiplier),
        norm_bit=SegmentNoise(norm_steps=64.0, sensitivity=64.0, noise_multiplier=multiplier),
    )
