"""The dials of distortion: a probability and ranges for each effect."""

from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cached_property

from data_gen.dials import Range, as_probability, as_range
from data_gen.errors import InputError

# The suffix of a dial is its unit, and the unit has its sensible limits.
_LIMITS: dict[str, Range] = {
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
    are ranges, a number or [lo, hi], from which a value is drawn uniformly when it does.
    Lengths are in millimetres of paper (suffix `_mm`), so that a dial means the same at any
    resolution; `_levels` are gray levels of 255, `_frac` fractions.

    Geometry: `rotation`; `perspective` (shift of the corners, of the shorter side); `curl`
    (bow of the rows); `feed` (local error of the paper speed); `crease` (number, shift at the
    fold, darkness); `wrinkle` (shift, contrast of the shading).
    Ink: `fading` of the traces; `gap` (number per trace, length); `grid_fade` (what is
    lighter than the ink pales); `scribble` (number, size).
    Paper: `tint`; `texture`; `stain` (number, darkness).
    Surroundings: `desk` (a whole page lies on a table, which is seen this far around it;
    otherwise, and round a crop, there is more paper); `beside` (another page lies on it too).
    Light: `exposure`; `gradient`; `vignette`; `shadow`; `glare`.
    Camera: `temperature`; `defocus` (sigma); `motion` (length); `noise` (sensor noise, and
    shot noise at white); `rescan` (resolution of a second, coarser scan); `gray`; `fax`
    (black and white: threshold as a fraction of the paper's gray, resolution, grain);
    `jpeg` (quality); `chroma` (4:2:0 given JPEG; 4:4:4 otherwise).

    Raises:
        InputError: An unknown dial, a probability outside 0…1, what is no range, NaN, or a
            value outside the dial's sensible limits.

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
    desk_mm: Range = (2, 20)
    beside_p: float = 0.0

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
            where = f"distortion.{name}"
            checked: float | Range
            if name.endswith("_p"):
                checked = as_probability(where, value)
            else:
                lo, hi = _limits(name)
                whole = name.endswith(_WHOLE)
                checked = as_range(where, value, lowest=lo, highest=hi, whole=whole)
            object.__setattr__(self, name, checked)

    @cached_property
    def is_none(self) -> bool:
        """Whether nothing at all can happen."""
        return not any(getattr(self, dial) for dial in _CHANCES)


_CHANCES = tuple(dial.name for dial in fields(Distortion) if dial.name.endswith("_p"))


def _limits(dial: str) -> Range:
    """Of the dial, by the longest of its endings that `_LIMITS` knows."""
    return _LIMITS[max((unit for unit in _LIMITS if f"_{dial}".endswith(f"_{unit}")), key=len)]
