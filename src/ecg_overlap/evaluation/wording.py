"""How scores are put into words: names, units and decimals, in the report and on the terminal."""

import math
from dataclasses import dataclass

from ecg_overlap.evaluation.results import PAGES, Results, Score
from ecg_overlap.metrics.severity import CONTACT_BINS


@dataclass(frozen=True)
class Wording:
    """Name, unit and decimals of a metric; `percent` shows a fraction as a percentage."""

    name: str
    unit: str = ""
    decimals: int = 2
    larger_is_better: bool = True
    percent: bool = False

    @property
    def label(self) -> str:
        unit = "%" if self.percent else self.unit
        return f"{self.name}, {unit}" if unit else self.name


WORDINGS = {
    "iou": Wording("IoU per image", decimals=3),
    "iou_micro": Wording("IoU", decimals=3),
    "iou_net": Wording("IoU at the network's size", decimals=3),
    "dice": Wording("Dice per image", decimals=3),
    "dice_micro": Wording("Dice", decimals=3),
    "mse_mv2": Wording("MSE", "mV²", 5, larger_is_better=False),
    "rmse_mv": Wording("RMSE", "mV", 3, larger_is_better=False),
    "mae_mv": Wording("MAE", "mV", 3, larger_is_better=False),
    "pearson_r": Wording("ρ", decimals=4),
    "snr_db": Wording("SNR", "dB", 1),
    "challenge2024_snr_db": Wording("SNR, Challenge 2024", "dB", 1),
    "kaggle2025_snr_db": Wording("SNR, Kaggle 2025", "dB", 1),
    "coverage": Wording("recovered", decimals=1, percent=True),
    "identity_swap_rate": Wording(
        "identity swaps", decimals=2, larger_is_better=False, percent=True
    ),
    "longest_swap_s": Wording("longest swap", "s", 2, larger_is_better=False),
    "grid_drift_px": Wording("grid drift", "px", 1, larger_is_better=False),
    "interval_coverage": Wording("truth within the error bars", decimals=1, percent=True),
    "interval_half_width_mv": Wording("error bars ±", "mV", 3, larger_is_better=False),
    "quality": Wording("stated quality", decimals=1, percent=True),
    "r_peak_f1": Wording("R-peak F1", decimals=3),
    "r_peak_error_s": Wording("R-peak error", "s", 4, larger_is_better=False),
    "lag_s": Wording("lag", "s", 3, larger_is_better=False),
    "layout_accuracy": Wording("layout right", decimals=1, percent=True),
    "name_accuracy": Wording("names right", decimals=1, percent=True),
    "leads_missed": Wording("missed per page", larger_is_better=False),
    "leads_invented": Wording("invented per page", larger_is_better=False),
    "page_s": Wording("per page", "s", 1, larger_is_better=False),
    "failure_rate": Wording("failed", decimals=1, larger_is_better=False, percent=True),
}
SUBSET_WORDS = {
    "all": "all",
    "clean": "non-overlapping",
    "overlap": "overlapping",
    "inside": "inside the contact",
    "outside": "outside it",
    "contact:0": "no contact",
    "intrusion:0": "no intrusion",
    **{
        f"{measure}:{name}": words
        for measure in ("contact", "intrusion")
        for name, words in zip(
            list(CONTACT_BINS)[1:], ("≤ 5 %", "5–15 %", "15–30 %", "> 30 %"), strict=True
        )
    },
}
NOTHING = "·"
# Of the table for a terminal: metric, alignment and subset of each column, and the headings.
_OF_LEADS = (
    (
        ("pearson_r", "aligned", "all"),
        ("mse_mv2", "aligned", "all"),
        ("snr_db", "aligned", "all"),
        ("snr_db", "aligned", "overlap"),
        ("iou_micro", "none", "all"),
        ("failure_rate", "none", "all"),
    ),
    ("ρ", "MSE, mV²", "SNR, dB (95 %)", "overlapping (95 %)", "IoU", "failed, %"),
)
_OF_PAGES = (
    (
        ("pearson_r", "aligned", "all"),
        ("snr_db", "aligned", "all"),
        ("layout_accuracy", "none", "all"),
        ("name_accuracy", "none", "all"),
        ("leads_missed", "none", "all"),
        ("leads_invented", "none", "all"),
        ("failure_rate", "none", "all"),
    ),
    ("ρ", "SNR, dB (95 %)", "layout, %", "names, %", "missed", "invented", "failed, %"),
)


def wording(metric: str) -> Wording:
    """How a metric is named and rounded; one that is not listed keeps its own name."""
    return WORDINGS.get(metric, Wording(metric.replace("_", " "), decimals=3))


def number(value: float, metric: str) -> str:
    """A value with its metric's decimals and a true minus sign; "·" where there is none."""
    words = wording(metric)
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    shown = f"{value * (100 if words.percent else 1):.{words.decimals}f}"
    # A sign before nothing but zeros would be read as a difference.
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", "−")


def mean_text(score: Score | None, *, interval: bool = False) -> str:
    """A score's mean, with its interval set small after a tab where asked for."""
    if score is None:
        return NOTHING
    text = number(score.mean, score.metric)
    if not interval:
        return text
    low, high = (number(bound, score.metric) for bound in score.ci95)
    return f"{text}\t{low} … {high}"


def in_order(results: Results, *kinds: str) -> list[str]:
    """Names of the methods of these kinds (all without one), models first, as they were given."""
    order = kinds or ("model", "baseline", "oracle")
    return [n for kind in order for n, info in results.methods.items() if info.kind == kind]


def results_table(results: Results) -> str:
    """The main scores as plain text, one line per method, for a terminal.

    Example:
        A heading per test set, then `method  n  ρ  MSE, mV²  SNR, dB  (95 % interval) …`.
    """
    blocks = []
    for test_set, info in results.test_sets.items():
        columns, heads = _OF_PAGES if info.kind == PAGES else _OF_LEADS
        lines = [["method", "n", *heads]]
        for method in in_order(results):
            failures = results.score(method, test_set, "failure_rate", alignment="none")
            if failures is None:
                continue
            cells = [method, str(failures.n)]
            for metric, alignment, subset in columns:
                score = results.score(method, test_set, metric, alignment=alignment, subset=subset)
                text = mean_text(score, interval=metric == "snr_db")
                value, _, interval = text.partition("\t")
                cells.append(f"{value} ({interval})" if interval else value)
            lines.append(cells)
        unit = "" if info.kind == PAGES else " leads"
        blocks.append(f"{test_set} ({info.kind}, {info.n}{unit})\n{_columns(lines)}")
    return "\n\n".join(blocks)


def _columns(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
