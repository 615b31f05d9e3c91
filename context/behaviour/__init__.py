"""What objects do, measured: speed, direction, dwell, stopping, crowds, left objects and falls.

Each behaviour is a pure function of a track or of a state and what is seen next, and yields a measured value and
whether it is beyond its limit. Nothing here scores anything.

What is made anew for every object of every frame is a named tuple: a frozen dataclass takes more than twice as long.
"""
