"""How a grid's lines bend: a smooth field that takes them to an even, straight grid."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.robust import MAD_TO_SD, TUKEY_SD, biweight
from ecg_overlap.digitize.grid.track import LinePoints

if TYPE_CHECKING:
    from scipy.interpolate import BSpline
    from scipy.sparse import csr_array

FloatArray = NDArray[np.float64]
_KNOT_MM = 12.0  # wrinkles are as narrow; between the knots the field is a cubic
_N_CELLS = 3, 60  # between knots: a cubic's least, and so many that a page takes milliseconds
_TALL_MM = 40.0  # a picture this high also bends from top to bottom
_STIFFNESS = 10.0 ** np.arange(5, -5, -1)  # the first leaves no bend
_RIDGE = 1e-6  # what the points leave open stays where it is
_OF_POWER = (1.0, 10.0, 100.0)  # how much stiffer what varies over the shorter side is
_LEAST_POINTS = 8
_BEYOND = 1.2  # half heights from the middle: a little past the edge, then constant
_SUPPLE = 1e-2  # stiffness at which outliers are looked for
_N_REWEIGHTINGS = 4  # rounds of that robust fit
_LEAST_SPREAD_PX = 0.02  # drawn lines may have no scatter at all


@dataclass(frozen=True, eq=False)
class Field:
    """A smooth function of the picture's points, px.

    Along the longer side it is a cubic spline; over the shorter one a polynomial, whose
    coefficients those splines are.

    Args:
        spline: Along the longer side, px; one column per power of the shorter one.
        half_px: Half of the shorter side.
        over_x: The longer side is the width.
    """

    spline: "BSpline"
    half_px: float
    over_x: bool

    def at(self, points_px: FloatArray) -> FloatArray:
        """Its values (n,) at points (n, 2); beyond the picture's ends those of its edge."""
        longer, shorter = points_px.T if self.over_x else points_px.T[::-1]
        columns = self._columns(longer)
        return np.asarray((columns * _powers(shorter, self.half_px, columns.shape[1])).sum(axis=1))

    def over(self, shape: tuple[int, ...]) -> FloatArray:
        """Its values (height, width) at every pixel of a picture."""
        long_px, short_px = (shape[1], shape[0]) if self.over_x else (shape[0], shape[1])
        columns = self._columns(np.arange(float(long_px)))
        values = _powers(np.arange(float(short_px)), self.half_px, columns.shape[1]) @ columns.T
        return values if self.over_x else values.T

    def _columns(self, longer_px: FloatArray) -> FloatArray:
        inside = np.clip(longer_px, self.spline.t[3], self.spline.t[-4])
        return np.asarray(self.spline(inside), np.float64)


def _powers(shorter_px: FloatArray, half_px: float, count: int) -> FloatArray:
    t = np.clip(shorter_px / half_px - 1.0, -_BEYOND, _BEYOND)
    return np.asarray(t[:, None] ** np.arange(count))


@dataclass(frozen=True, eq=False)
class FittedField:
    """A field, and what speaks for it.

    Args:
        field: The field.
        spread_px: Robust spread of the points about it.
        bend_px: The most by which it differs from a straight one at the points.
        gain: By what factor its squared error on points left out is less than that of a
            straight one; 1: no better.
    """

    field: Field
    spread_px: float
    bend_px: float
    gain: float


def fit_field(
    points: LinePoints, value_px: FloatArray, *, shape: tuple[int, ...], px_per_mm: float
) -> FittedField | None:
    """A smooth field through values at points, as stiff as cross-validation says.

    A P-spline (P. H. C. Eilers and B. D. Marx, 1996): cubic, second differences of the
    coefficients penalised, at the stiffness of least generalised cross-validation.

    Args:
        points: n points.
        value_px: float64 (n,), what the field should be there.
        shape: (height, width) of the picture.
        px_per_mm: Sets how far the knots are apart.

    Returns:
        The field; None where the points are too few to tell.
    """
    if len(value_px) < _LEAST_POINTS:
        return None
    from scipy.interpolate import BSpline  # a tenth of a second, and few grids bend

    over_x = shape[1] >= shape[0]
    long_px, half_px = max(shape[:2]) - 1.0, (min(shape[:2]) - 1.0) / 2
    longer, shorter = points.xy_px.T if over_x else points.xy_px.T[::-1]
    cells = int(np.clip(math.ceil(long_px / (_KNOT_MM * px_per_mm)), *_N_CELLS))
    knots = np.arange(-3, cells + 4) * (long_px / cells)
    inside = np.clip(longer, 0, np.nextafter(knots[-4], 0))
    powers = _powers(shorter, half_px, 3 if 2 * half_px > _TALL_MM * px_per_mm else 2)
    design = _Design.of(powers, BSpline.design_matrix(inside, knots, 3))
    bending = np.diff(np.eye(cells + 3), 2, axis=0)
    stiffer = np.diag(_OF_POWER[: powers.shape[1]])
    penalty = np.asarray(np.kron(stiffer, bending.T @ bending), np.float64)
    weight = points.weight * _inliers(design, penalty, value_px, points.weight)
    straight, best, gain = _cross_validated(design, penalty, value_px, weight, points.n_independent)
    seen = weight > 0
    coefs = np.ascontiguousarray(best.reshape(powers.shape[1], -1).T)
    return FittedField(
        field=Field(BSpline(knots, coefs, 3), half_px, over_x),
        spread_px=MAD_TO_SD * float(np.median(np.abs(value_px - design.at(best))[seen])),
        bend_px=float(np.abs(design.at(best - straight))[seen].max()),
        gain=gain,
    )


@dataclass(frozen=True, eq=False)
class _Design:
    """The fit's design matrix by its entries that are not 0: a few to a point.

    Args:
        entry: float64 (n, n_entries).
        column: int (n, n_entries), which coefficients they go with.
        n_columns: How many coefficients there are.
    """

    entry: FloatArray
    column: NDArray[np.int64]
    n_columns: int

    @classmethod
    def of(cls, powers: FloatArray, basis: "csr_array") -> "_Design":
        """The products of powers (n, p) and splines (n, b); coefficients by power first."""
        n, count = powers.shape
        spline, place = basis.data.reshape(n, 1, -1), basis.indices.reshape(n, 1, -1)
        column = place + np.arange(count)[:, None] * basis.shape[1]
        entry = powers[:, :, None] * spline
        return cls(
            entry.reshape(n, -1), column.reshape(n, -1).astype(np.int64), count * basis.shape[1]
        )

    def at(self, coefs: FloatArray) -> FloatArray:
        """The field (n,) at the points."""
        return np.asarray(np.einsum("ij,ij->i", self.entry, coefs[self.column]))

    def normal(self, value: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The weighted normal equations: matrix and right side."""
        both = _normal(self.entry, self.column, self.n_columns, value, weight)
        return both[:, :-1], both[:, -1]


@njit(cache=True)
def _normal(
    entry: FloatArray,
    column: NDArray[np.int64],
    n_columns: int,
    value: FloatArray,
    weight: FloatArray,
) -> FloatArray:
    out = np.zeros((n_columns, n_columns + 1))
    for n in range(len(value)):
        if weight[n] == 0.0:
            continue
        for i in range(entry.shape[1]):
            part = weight[n] * entry[n, i]
            row = column[n, i]
            for j in range(entry.shape[1]):
                out[row, column[n, j]] += part * entry[n, j]
            out[row, n_columns] += part * value[n]
    return out


def _inliers(
    design: _Design, penalty: FloatArray, value_px: FloatArray, weight: FloatArray
) -> FloatArray:
    """Tukey's biweight (n,) of each value about a supple fit: 0 for what is no line."""
    robust = np.ones_like(weight)
    for _ in range(_N_REWEIGHTINGS):
        normal, right = design.normal(value_px, weight * robust)
        scale = float(np.trace(normal)) / len(normal) + 1e-12
        supple = normal + scale * (_SUPPLE * penalty + _RIDGE * np.eye(len(normal)))
        rest = value_px - design.at(np.asarray(np.linalg.solve(supple, right), np.float64))
        spread = max(MAD_TO_SD * float(np.median(np.abs(rest))), _LEAST_SPREAD_PX)
        robust = biweight(rest, TUKEY_SD * spread)
    return np.asarray(robust)


def _cross_validated(
    design: _Design,
    penalty: FloatArray,
    value_px: FloatArray,
    weight: FloatArray,
    n_independent: int,
) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients of the straight field, of the best one, and how much better that is."""
    # Errors of one line at several places are one: n_independent observations there are.
    share = weight * (n_independent / max(float(weight.sum()), 1e-9))
    normal, right = design.normal(value_px, share)
    scale = float(np.trace(normal)) / len(normal) + 1e-12
    base = normal + scale * _RIDGE * np.eye(len(normal))
    scores, coefs = [], []
    for stiffness in _STIFFNESS:
        solved = np.linalg.solve(
            base + scale * stiffness * penalty, np.column_stack([right, normal])
        )
        left = n_independent - float(np.trace(solved[:, 1:]))
        rest = value_px - design.at(solved[:, 0])
        scores.append(float((share * rest**2).sum()) / left**2 if left > 2 else math.inf)
        coefs.append(solved[:, 0])
    best = int(np.argmin(scores))
    gain = scores[0] / max(scores[best], 1e-6) if math.isfinite(scores[0]) else 1.0
    return coefs[0], coefs[best], gain
