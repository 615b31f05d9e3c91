"""How many pictures a second are asked for: fewer, rather than to fall behind."""

import dataclasses

RATES_FPS = (10.0, 7.5, 5.0, 2.5)
"""What cameras are asked for, from the usual rate down."""
LATE_S = 0.6
"""Age of a picture when it is looked at, beyond which the rate is too high."""
PROMPT_S = 0.15
"""Age below which there is time to spare."""
PATIENCE_S = 2.0
"""Seconds that pictures must be late in a row before fewer are asked for."""
CALM_S = 30.0
"""Seconds that they must be prompt before more are: a rate that goes up and down serves nobody."""


@dataclasses.dataclass(frozen=True)
class Load:
    """How things stand.

    Attributes:
        step: Index into ``RATES_FPS``.
        late_since_s: Since when pictures are late; None where they are not.
        prompt_since_s: Since when they are prompt; None where they are not.
    """

    step: int = 0
    late_since_s: float | None = None
    prompt_since_s: float | None = None

    @property
    def rate_fps(self) -> float:
        """Pictures a second that cameras are asked for."""
        return RATES_FPS[self.step]

    def after(self, age_s: float, now_s: float) -> "Load":
        """Takes the age of the next picture that is looked at.

        Args:
            age_s: Seconds since it was decoded.
            now_s: On any clock that only goes forward.
        """
        late = self._since(self.late_since_s, now_s, holds=age_s > LATE_S)
        prompt = self._since(self.prompt_since_s, now_s, holds=age_s < PROMPT_S)
        if late is not None and now_s - late >= PATIENCE_S and self.step < len(RATES_FPS) - 1:
            return Load(self.step + 1)
        if prompt is not None and now_s - prompt >= CALM_S and self.step > 0:
            return Load(self.step - 1)
        return Load(self.step, late, prompt)

    @staticmethod
    def _since(since_s: float | None, now_s: float, *, holds: bool) -> float | None:
        if not holds:
            return None
        return now_s if since_s is None else since_s
