"""The kinds of places cameras look at, by name."""

from simulation.world.layout import Layout
from simulation.world.layouts.aisle import AISLE
from simulation.world.layouts.entrance import ENTRANCE
from simulation.world.layouts.parking import PARKING
from simulation.world.layouts.street import STREET
from simulation.world.layouts.tills import TILLS
from simulation.world.layouts.yard import YARD

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in (AISLE, ENTRANCE, STREET, TILLS, PARKING, YARD)}
