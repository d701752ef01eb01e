"""Names of the columns of `per_sample.parquet`, one row per sample and method."""

import pandas as pd

# What was measured on the true signal ("true:qt_ms") and on the recovered one ("found:qt_ms").
TRUE, FOUND = "true:", "found:"
# Pooled over all pixels of a subset: 2·common or common, over these sums of areas.
PIXEL_COLUMNS = ("common_px", "found_px", "true_px")


def column(metric: str, alignment: str = "none", region: str = "") -> str:
    """Name of a metric's column in the per-sample table; region is "", "inside" or "outside"."""
    return f"{metric}@{alignment}" + (f"#{region}" if region else "")


def metric_columns(rows: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """The metric columns of a table: name → (metric, alignment, region)."""
    found = {}
    for name in rows.columns:
        metric, at, rest = str(name).partition("@")
        if at:
            alignment, _, region = rest.partition("#")
            found[str(name)] = (metric, alignment, region)
    return found
