"""What the objects of an alert did, in words."""

from fl_protocol.messages import BehaviourName, ShownBehaviour

_WORDS: dict[BehaviourName, str] = {
    "speed": "fast, {speed}",
    "against_flow": "against the permitted direction at {speed}",
    "dwell": "dwell {seconds}",
    "stopped": "moved, then stood still {seconds}",
    "crowd": "{people} people together",
    "left_object": "object left unattended {seconds}",
    "fall": "fell and lay still {seconds}",
}


def behaviour_words(shown: ShownBehaviour) -> str:
    """One behaviour in words, such as ``dwell 74 s in zone till``."""
    words = _WORDS[shown.behaviour].format(
        speed=_speed(shown), seconds=_seconds(shown.value), people=f"{shown.value:.0f}"
    )
    return words if shown.zone is None else f"{words} in zone {shown.zone}"


def _speed(shown: ShownBehaviour) -> str:
    metres = "" if shown.metres_s is None else f" ({abs(shown.metres_s):.1f} m/s)"
    return f"{abs(shown.value):.1f} heights/s{metres}"


def _seconds(seconds: float) -> str:
    """Seconds up to two minutes, above in minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
