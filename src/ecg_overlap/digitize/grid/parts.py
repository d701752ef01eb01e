"""Parts of a picture that are looked at alone: in them, lines that bend are still straight."""

from dataclasses import replace

from ecg_overlap.digitize.grid.comb import Comb
from ecg_overlap.digitize.grid.straight_grid import StraightGrid
from ecg_overlap.digitize.grid.strips import Evidence

_LEAST_PART_PX = 180  # of the longer side; a shorter part holds too few lines
# Halves and quarters of the longer side, from the middle outward: length, and where they start.
_SHARES = ((0.5, (0.25, 0.0, 0.5)), (0.25, (0.375, 0.125, 0.625)))

Part = tuple[slice, slice]


def parts(shape: tuple[int, ...]) -> list[Part]:
    """The whole picture, then pieces along its longer side that overlap.

    Args:
        shape: (H, W, …), px.
    """
    out: list[Part] = [(slice(None), slice(None))]
    long_px = max(shape[:2])
    for share, starts in _SHARES:
        if share * long_px < _LEAST_PART_PX:
            break
        for start in starts:
            piece = slice(int(start * long_px), int((start + share) * long_px))
            out.append((slice(None), piece) if shape[1] >= shape[0] else (piece, slice(None)))
    return out


def in_whole(seen: StraightGrid, evidence: Evidence, part: Part) -> StraightGrid:
    """The same straight grid in the coordinates, and with the strips, of the whole evidence."""
    y, x = (piece.start or 0 for piece in part)
    vertical = _moved(seen.combs.vertical, across_px=x, along_px=y)
    horizontal = _moved(seen.combs.horizontal, across_px=y, along_px=x)
    phase = seen.grid.phase_x_px + x, seen.grid.phase_y_px + y
    return StraightGrid(
        replace(seen.grid, phase_x_px=phase[0], phase_y_px=phase[1]),
        replace(seen.combs, vertical=vertical, horizontal=horizontal),
        evidence.strips,
        of_part=part != parts(evidence.shape)[0],
    )


def _moved(comb: Comb | None, *, across_px: float, along_px: float) -> Comb | None:
    if comb is None:
        return None
    return replace(comb, phase_px=comb.phase_px + across_px - comb.slope * along_px)
