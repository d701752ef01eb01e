"""The distortion dials: a probability and ranges for each effect, checked on construction."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches

import numpy as np

from data_gen.errors import InputError

Range = tuple[float, float]


# The suffix of a dial is its unit, and the unit has its sensible limits.
_LIMITS: dict[str, Range] = {
    "p": (0, 1),
    "frac": (0, 1),
    "perspective_frac": (0, 0.25),  # further, and the corners may change places
    "deg": (-45, 45),
    "mm": (0, 200),
    "px_per_mm": (0.5, 40),
    "levels": (0, 100),
    "gain": (0.1, 2),
    "k": (2000, 15000),
    "count": (0, 100),
    "quality": (1, 100),
}
_WHOLE = ("count", "quality")


@dataclass(frozen=True, kw_only=True)
class Distortion:
    """What may happen to a page between the printer and the file; by default nothing.

    `EFFECT_p` is the probability that the effect happens; the other dials of an effect
    are ranges [lo, hi] from which a value is drawn uniformly when it does. Lengths are in
    millimetres of paper (suffix `_mm`), so that a dial means the same at any resolution;
    `_levels` are gray levels of 255, `_frac` fractions.

    Geometry: `rotation`; `perspective` (shift of the corners, of the shorter side); `curl`
    (bow of the rows); `feed` (local error of the paper speed); `crease` (number, shift at the
    fold, darkness); `wrinkle` (shift, contrast of the shading).
    Ink: `fading` of the traces; `gap` (number per trace, length); `grid_fade` (what is
    lighter than the ink pales); `scribble` (number, size).
    Paper: `tint`; `texture`; `stain` (number, darkness).
    Light: `exposure`; `gradient`; `vignette`; `shadow`; `glare`; `desk` (a dark table where
    the page ends, instead of more paper).
    Camera: `temperature`; `defocus` (sigma); `motion` (length); `noise` (sensor noise, and
    shot noise at white); `rescan` (resolution of a second, coarser scan); `gray`; `fax`
    (black and white: threshold as a fraction of the paper's gray, resolution, grain);
    `jpeg` (quality); `chroma` (4:2:0 given JPEG; 4:4:4 otherwise).

    Raises:
        InputError: An unknown dial, a probability outside 0…1, a range that is not [lo, hi]
            with lo ≤ hi, NaN, or a value outside the dial's sensible limits.

    Example:
        >>> Distortion(rotation_p=1.0, rotation_deg=[-2, 2]).rotation_deg
        (-2.0, 2.0)
    """

    rotation_p: float = 0.0
    rotation_deg: Range = (-3, 3)
    perspective_p: float = 0.0
    perspective_frac: Range = (0.005, 0.04)
    curl_p: float = 0.0
    curl_mm: Range = (0.3, 2.5)
    feed_p: float = 0.0
    feed_frac: Range = (0.002, 0.02)
    crease_p: float = 0.0
    crease_count: Range = (1, 3)
    crease_mm: Range = (0.05, 0.4)
    crease_frac: Range = (0.08, 0.3)
    wrinkle_p: float = 0.0
    wrinkle_mm: Range = (0.02, 0.12)
    wrinkle_frac: Range = (0.02, 0.1)

    fading_p: float = 0.0
    fading_frac: Range = (0.2, 0.6)
    gap_p: float = 0.0
    gap_count: Range = (1, 4)
    gap_mm: Range = (0.3, 1.2)
    grid_fade_p: float = 0.0
    grid_fade_frac: Range = (0.2, 0.9)
    scribble_p: float = 0.0
    scribble_count: Range = (1, 3)
    scribble_mm: Range = (6, 30)

    tint_p: float = 0.0
    tint_frac: Range = (0.3, 1.0)
    texture_p: float = 0.0
    texture_levels: Range = (1, 5)
    stain_p: float = 0.0
    stain_count: Range = (1, 2)
    stain_frac: Range = (0.08, 0.3)

    exposure_p: float = 0.0
    exposure_gain: Range = (0.75, 1.05)
    gradient_p: float = 0.0
    gradient_frac: Range = (0.05, 0.35)
    vignette_p: float = 0.0
    vignette_frac: Range = (0.05, 0.4)
    shadow_p: float = 0.0
    shadow_frac: Range = (0.1, 0.45)
    glare_p: float = 0.0
    glare_frac: Range = (0.05, 0.25)
    desk_p: float = 0.0

    temperature_p: float = 0.0
    temperature_k: Range = (5000, 8500)
    defocus_p: float = 0.0
    defocus_mm: Range = (0.03, 0.12)
    motion_p: float = 0.0
    motion_mm: Range = (0.1, 0.5)
    noise_p: float = 0.0
    noise_levels: Range = (1, 5)
    shot_levels: Range = (0, 4)
    rescan_p: float = 0.0
    rescan_px_per_mm: Range = (3.5, 6.5)
    gray_p: float = 0.0
    fax_p: float = 0.0
    fax_threshold_frac: Range = (0.6, 0.85)
    fax_px_per_mm: Range = (3.85, 8)
    fax_grain_levels: Range = (0, 12)
    jpeg_p: float = 0.0
    jpeg_quality: Range = (45, 92)
    chroma_p: float = 0.0

    def __new__(cls, **dials: object) -> "Distortion":
        # The generated __init__ would answer a misspelt dial with a TypeError.
        known = {dial.name for dial in fields(cls)}
        for name in dials:
            if name not in known:
                close = ", ".join(get_close_matches(name, known)) or "nothing of that name"
                raise InputError(f"distortion.{name}", "no such dial", f"there is {close}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for dial in fields(self):
            name, value = dial.name, getattr(self, dial.name)
            checked = _number(name, value) if name.endswith("_p") else _range(name, value)
            object.__setattr__(self, name, checked)

    @property
    def is_none(self) -> bool:
        """Whether nothing at all can happen."""
        return not any(getattr(self, dial) for dial in _CHANCES)


_CHANCES = tuple(dial.name for dial in fields(Distortion) if dial.name.endswith("_p"))


def _limits(dial: str) -> Range:
    """Of the dial, by the longest of its endings that `_LIMITS` knows."""
    return _LIMITS[max((unit for unit in _LIMITS if f"_{dial}".endswith(f"_{unit}")), key=len)]


def _number(dial: str, value: object) -> float:
    """The value as a float within the dial's limits."""
    where, (lo, hi) = f"distortion.{dial}", _limits(dial)
    remedy = f"give a number from {lo:g} to {hi:g}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InputError(where, f"{value!r} is no number", remedy)
    number = float(value)
    if not lo <= number <= hi:  # so stands NaN
        raise InputError(where, f"{number:g} is out of limits", remedy)
    return number


def _range(dial: str, value: object) -> Range:
    """The value as (lo, hi), both within the dial's limits."""
    where = f"distortion.{dial}"
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise InputError(where, f"{value!r} is no range", "give [lo, hi]")
    lo, hi = (_number(dial, end) for end in value)
    if lo > hi:
        raise InputError(where, f"lo {lo:g} > hi {hi:g}", "give [lo, hi] with lo ≤ hi")
    if dial.endswith(_WHOLE) and not (lo.is_integer() and hi.is_integer()):
        raise InputError(where, f"[{lo:g}, {hi:g}] are not whole", "give whole numbers")
    return lo, hi


def happens(probability: float, rng: np.random.Generator) -> bool:
    """Whether an effect happens; draws one number whatever the probability."""
    return bool(rng.random() < probability)


def uniform(span: Range, rng: np.random.Generator) -> float:
    """A value of the range."""
    return float(rng.uniform(*span))


def count(span: Range, rng: np.random.Generator) -> int:
    """A whole number of the range, both ends included."""
    return int(rng.integers(int(span[0]), int(span[1]) + 1))
