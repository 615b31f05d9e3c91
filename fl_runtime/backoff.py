"""How long to wait before the next try of something that keeps failing."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Backoff:
    """Delays that double from ``first_s`` to ``longest_s``; a success starts over with the first."""

    first_s: float
    longest_s: float
    num_failures: int = 0

    @property
    def delay_s(self) -> float:
        """Seconds to wait now, after ``num_failures`` failures in a row; 0 after none."""
        if self.num_failures == 0:
            return 0.0
        doublings = min(self.num_failures - 1, 32)  # bounded: a month of failures must not overflow
        return min(self.longest_s, self.first_s * 2.0**doublings)

    def after_failure(self) -> "Backoff":
        """The state after one more failure."""
        return dataclasses.replace(self, num_failures=self.num_failures + 1)

    def after_success(self) -> "Backoff":
        """The state after a success."""
        return dataclasses.replace(self, num_failures=0)
