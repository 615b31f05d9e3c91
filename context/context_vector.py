"""The context vector: here and now, as numbers a network can be conditioned on.

Layout of the ``CONTEXT_SIZE`` values: sin, cos of local time of day; sin, cos of local time of week; one-hot
operational state (closed, opening, open, closing, special event); holiday flag.
"""

import dataclasses
import datetime as dt
import math

import numpy as np
import numpy.typing as npt

from context.schedule import STATES, OperationalState, local_time
from context.site import Site

ContextValues = npt.NDArray[np.float32]  # (CONTEXT_SIZE,)

CONTEXT_SIZE = 4 + len(STATES) + 1
_DAY_S = 24 * 3600
_WEEK_S = 7 * _DAY_S


@dataclasses.dataclass(frozen=True)
class Moment:
    """The time part of a context: what all zones of a site share at one instant."""

    state: OperationalState
    values: ContextValues

    @property
    def state_index(self) -> int:
        """Position of the operational state in the one-hot part."""
        return STATES.index(self.state)


def moment_at(site: Site, instant_utc: dt.datetime) -> Moment:
    """The time part of the context vector of ``site`` at an aware instant."""
    local = local_time(instant_utc, site.time_zone)
    state = site.schedule.state_at(local)
    second_of_day = local.hour * 3600 + local.minute * 60 + local.second
    day_angle = 2 * math.pi * second_of_day / _DAY_S
    week_angle = 2 * math.pi * (local.weekday() * _DAY_S + second_of_day) / _WEEK_S
    one_hot = [float(state is candidate) for candidate in STATES]
    holiday = float(site.schedule.is_holiday(local.date()))
    cycle = [math.sin(day_angle), math.cos(day_angle), math.sin(week_angle), math.cos(week_angle)]
    return Moment(state, np.array([*cycle, *one_hot, holiday], dtype=np.float32))
