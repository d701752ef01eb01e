"""What happens to a page between the printer and the file."""

from data_gen.distort.chain import Distorted, distort
from data_gen.distort.dials import Distortion
from data_gen.distort.levels import LEVELS

__all__ = ["LEVELS", "Distorted", "Distortion", "distort"]
