"""The report's plots, as SVG text that takes the page's own colours, light or dark."""

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_overlap.metrics.align import FloatArray

# Distinct on white and on near-black, also to colour-blind readers (after Okabe and Ito).
COLOURS = ("#d1495b", "#2e86c1", "#1a9c76", "#e08e0b", "#8e6bbf", "#7a8590", "#c46fa5", "#4fb3d9")
MARKERS = "osD^vPX*"
# Drawn in this colour, then replaced: matplotlib knows no `currentColor`.
INK = "#010203"


def intervals(
    groups: Sequence[str],
    series: Mapping[str, Sequence[tuple[float, float, float] | None]],
    *,
    x_label: str,
    y_label: str,
) -> str:
    """Means with their intervals against ordered groups, one line per method.

    Args:
        groups: Labels along x.
        series: For each method one (mean, low, high) per group, None where it has no score.
        x_label: What the groups are.
        y_label: Metric, alignment and unit.

    Returns:
        SVG text.
    """
    figure, axes = canvas(9.2, 3.6)
    for index, (name, points) in enumerate(series.items()):
        have = [i for i, point in enumerate(points) if point is not None]
        values = np.array([point for point in points if point is not None], np.float64)
        if not have:
            continue
        # Side by side, so that intervals of one group do not hide each other.
        x = np.array(have) + 0.07 * (index - (len(series) - 1) / 2)
        axes.errorbar(
            x,
            values[:, 0],
            yerr=np.abs(values[:, 1:] - values[:, :1]).T,
            label=name,
            color=COLOURS[index % len(COLOURS)],
            marker=MARKERS[index % len(MARKERS)],
            markersize=4.5,
            linewidth=1.4,
            elinewidth=1,
        )
    axes.set_xticks(range(len(groups)), groups)
    axes.set_xlim(-0.5, len(groups) - 0.5)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, labelcolor=INK)
    return svg_text(figure)


def reliability(
    curves: Mapping[str, Sequence[tuple[float, float]]], *, x_label: str, y_label: str
) -> str:
    """What happened against what was stated, one curve per method, beside the diagonal.

    Args:
        curves: For each method (stated, happened), each 0–1, ascending.
        x_label: What was stated.
        y_label: What happened.

    Returns:
        SVG text.
    """
    figure, axes = canvas(5.2, 3.6)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--")
    for index, (name, points) in enumerate(curves.items()):
        stated, happened = np.array(points, np.float64).reshape(-1, 2).T
        axes.plot(
            stated,
            happened,
            label=name,
            color=COLOURS[index % len(COLOURS)],
            marker=MARKERS[index % len(MARKERS)],
            markersize=4.5,
            linewidth=1.4,
        )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, labelcolor=INK)
    return svg_text(figure)


def bland_altman(ref: FloatArray, est: FloatArray, *, label: str) -> str:
    """Difference against mean of two measurements, with bias and 95 % limits of agreement.

    Args:
        ref: float (n,), measured on the true signal.
        est: float (n,), measured on the recovered one.
        label: What was measured, with its unit.

    Returns:
        SVG text; the method is Bland and Altman 1986, limits = bias ± 1.96 SD.
    """
    bias, low, high = agreement(ref, est)
    figure, axes = canvas(3.6, 2.7)
    axes.scatter((ref + est) / 2, est - ref, s=9, color=COLOURS[1], alpha=0.55, linewidths=0)
    for value, style in ((bias, "-"), (low, "--"), (high, "--")):
        axes.axhline(value, color=INK, linewidth=0.8, linestyle=style)
    axes.set_xlabel(f"mean of both, {label}", fontsize=8)
    axes.set_ylabel("recovered − true", fontsize=8)
    return svg_text(figure)


def agreement(ref: FloatArray, est: FloatArray) -> tuple[float, float, float]:
    """Bias and 95 % limits of agreement (bias ± 1.96 SD) of two measurements, each float (n,)."""
    difference = est - ref
    bias = float(difference.mean())
    spread = 1.96 * float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    return bias, bias - spread, bias + spread


def canvas(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """A figure of this size, in inches, with one plot in the reports' style."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK, labelsize=8, width=0.6)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.grid(axis="y", color="#8a9099", alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def svg_text(figure: Figure) -> str:
    """The figure as SVG text that takes the page's own ink and font."""
    buffer = io.StringIO()
    # A fixed salt: the same scores make the same file.
    with mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "ecg-overlap",
            "font.size": 9,
            "font.family": "sans-serif",
        }
    ):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    # The font's name is the reader's own, not the one that measured the text here.
    return re.sub(r"font: ([\d.]+px) [^;\"]*", r"font: \1 system-ui, sans-serif", text)
