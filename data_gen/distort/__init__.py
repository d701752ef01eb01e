"""What happens to a page between the printer and the file."""

from data_gen.distort.chain import GRID, MARKS, Desk, Distorted, distort, draw_desk
from data_gen.distort.distortion import Distortion
from data_gen.distort.geometry import draw_warp
from data_gen.distort.levels import LEVELS
from data_gen.distort.warp import Warp

__all__ = [
    "GRID",
    "LEVELS",
    "MARKS",
    "Desk",
    "Distorted",
    "Distortion",
    "Warp",
    "distort",
    "draw_desk",
    "draw_warp",
]
