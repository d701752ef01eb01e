"""The light that falls on a page: exposure, colour, gradient, vignette, shadow, glare."""

import math

import numpy as np

from data_gen.dials import happens, uniform
from data_gen.distort.distortion import Distortion
from data_gen.distort.field import Cells, Gain


def light_gain(cells: Cells, *, dials: Distortion, rng: np.random.Generator) -> Gain:
    """The light's gain, float32 (rows, cols, 3), or (1, 1, 3) where it is even."""
    gain: Gain = np.ones((1, 1, 3), np.float32)
    if happens(rng, dials.exposure_p):
        gain = gain * np.float32(uniform(rng, dials.exposure_gain))
    if happens(rng, dials.temperature_p):
        gain = gain * _temperature(uniform(rng, dials.temperature_k))
    if happens(rng, dials.gradient_p):
        gain = gain * _gradient(cells, uniform(rng, dials.gradient_frac), rng)
    if happens(rng, dials.vignette_p):
        gain = gain * _vignette(cells, uniform(rng, dials.vignette_frac), rng)
    if happens(rng, dials.shadow_p):
        gain = gain * _shadow(cells, uniform(rng, dials.shadow_frac), rng)
    if happens(rng, dials.glare_p):
        gain = gain * _glare(cells, uniform(rng, dials.glare_frac), rng)
    return gain


def _temperature(kelvin: float) -> Gain:
    """Gains of R, G, B under a light of this temperature and a white balance for 6500 K.

    A fit by eye to the colours of a black body from 4000 to 9000 K, exponential in the
    reciprocal temperature; the brightest channel keeps its level.
    """
    mired = 1e6 / kelvin - 1e6 / 6500
    rgb = np.exp(np.array([0.0018, 0.0, -0.0026]) * mired)
    return np.asarray(rgb / rgb.max(), np.float32)


def _gradient(cells: Cells, frac: float, rng: np.random.Generator) -> Gain:
    """From 1 to 1 − frac across the picture, in any direction."""
    angle = rng.uniform(0, 2 * math.pi)
    height_mm, width_mm = cells.size_mm
    x, y = cells.x_mm / width_mm - 0.5, cells.y_mm / height_mm - 0.5
    across = x * math.cos(angle) + y * math.sin(angle)
    reach = abs(math.cos(angle)) / 2 + abs(math.sin(angle)) / 2
    return np.asarray(1 - frac * (0.5 + across / (2 * reach)), np.float32)[..., None]


def _vignette(cells: Cells, frac: float, rng: np.random.Generator) -> Gain:
    """1 at the lens's axis, near the middle; 1 − frac in the corners."""
    height_mm, width_mm = cells.size_mm
    axis = rng.uniform(0.4, 0.6, 2)
    x, y = cells.x_mm / width_mm - axis[0], cells.y_mm / height_mm - axis[1]
    return np.asarray(1 - frac * np.minimum((x * x + y * y) / 0.5, 1), np.float32)[..., None]


def _shadow(cells: Cells, frac: float, rng: np.random.Generator) -> Gain:
    """Of a hand or a head (an ellipse) or of an edge (a wavy line), more or less soft."""
    height_mm, width_mm = cells.size_mm
    x = cells.x_mm - rng.uniform(0.1, 0.9) * width_mm
    y = cells.y_mm - rng.uniform(0.1, 0.9) * height_mm
    angle, soft_mm = rng.uniform(0, 2 * math.pi), uniform(rng, (2.0, 15.0))
    across = x * math.cos(angle) + y * math.sin(angle)
    along = y * math.cos(angle) - x * math.sin(angle)
    if rng.random() < 0.5:
        inside = across + 3 * np.sin(along / uniform(rng, (8.0, 40.0)))
    else:
        radius_mm = uniform(rng, (0.15, 0.45)) * max(height_mm, width_mm)
        inside = radius_mm - np.hypot(across, along / uniform(rng, (1.0, 2.5)))
    depth = 0.5 + 0.5 * np.tanh(inside / soft_mm)
    return np.asarray(1 - frac * depth, np.float32)[..., None]


def _glare(cells: Cells, frac: float, rng: np.random.Generator) -> Gain:
    """A bright spot; what it lifts above white is lost, the grid first."""
    height_mm, width_mm = cells.size_mm
    x = cells.x_mm - rng.uniform(0, 1) * width_mm
    y = cells.y_mm - rng.uniform(0, 1) * height_mm
    size_mm = uniform(rng, (0.1, 0.35)) * max(height_mm, width_mm)
    return np.asarray(1 + frac * np.exp(-(x * x + y * y) / (2 * size_mm**2)), np.float32)[..., None]
