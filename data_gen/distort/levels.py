"""Each distortion alone at low, mid and high: for the gallery and for tests."""

from data_gen.distort.distortion import Distortion

_NAMES = ("low", "mid", "high")

# Dial → its values at low, mid, high.
_STEPS: dict[str, dict[str, tuple[float, float, float]]] = {
    "rotation": {"rotation_deg": (0.7, 2, 5)},
    "perspective": {"perspective_frac": (0.01, 0.04, 0.1)},
    "curl": {"curl_mm": (0.5, 1.5, 4)},
    "feed": {"feed_frac": (0.005, 0.02, 0.06)},
    "crease": {
        "crease_count": (1, 2, 4),
        "crease_mm": (0.1, 0.3, 0.8),
        "crease_frac": (0.1, 0.25, 0.5),
    },
    "wrinkle": {"wrinkle_mm": (0.03, 0.1, 0.3), "wrinkle_frac": (0.02, 0.05, 0.1)},
    "fading": {"fading_frac": (0.2, 0.5, 0.8)},
    "gap": {"gap_count": (1, 4, 10), "gap_mm": (0.4, 0.8, 1.5)},
    "grid_fade": {"grid_fade_frac": (0.3, 0.6, 0.95)},
    "scribble": {"scribble_count": (1, 3, 6), "scribble_mm": (8, 15, 25)},
    "tint": {"tint_frac": (0.3, 0.6, 1.0)},
    "texture": {"texture_levels": (1.5, 4, 9)},
    "stain": {"stain_count": (1, 2, 4), "stain_frac": (0.1, 0.25, 0.5)},
    "exposure": {"exposure_gain": (0.9, 0.75, 0.55)},
    "gradient": {"gradient_frac": (0.1, 0.3, 0.6)},
    "vignette": {"vignette_frac": (0.1, 0.3, 0.6)},
    "shadow": {"shadow_frac": (0.1, 0.3, 0.6)},
    "glare": {"glare_frac": (0.08, 0.16, 0.27)},
    "temperature": {"temperature_k": (5700, 4800, 3800)},
    "defocus": {"defocus_mm": (0.05, 0.12, 0.25)},
    "motion": {"motion_mm": (0.2, 0.5, 1.0)},
    "noise": {"noise_levels": (2, 6, 14), "shot_levels": (1, 4, 10)},
    "rescan": {"rescan_px_per_mm": (6, 4, 2.5)},
    "gray": {},
    "fax": {
        "fax_px_per_mm": (8, 5.5, 3.85),
        "fax_threshold_frac": (0.75, 0.75, 0.75),
        "fax_grain_levels": (3, 10, 25),
    },
    "jpeg": {"jpeg_quality": (75, 40, 12)},
}


def _alone(effect: str, step: int) -> Distortion:
    dials: dict[str, object] = {f"{effect}_p": 1.0}
    for dial, values in _STEPS[effect].items():
        dials[dial] = [values[step], values[step]]
    if effect == "jpeg":
        dials["chroma_p"] = 1.0
    return Distortion(**dials)  # type: ignore[arg-type]


LEVELS: dict[str, dict[str, Distortion]] = {
    effect: {name: _alone(effect, step) for step, name in enumerate(_NAMES)} for effect in _STEPS
}
