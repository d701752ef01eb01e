"""The report's sections on single samples: pictures, clinical agreement, how it was made."""

from pathlib import Path

import numpy as np
import pandas as pd

from ecg_overlap.evaluation import plots
from ecg_overlap.evaluation.columns import FOUND, TRUE
from ecg_overlap.evaluation.document import Figure, Fold, Row, Section, Table, group
from ecg_overlap.evaluation.ranking import leading
from ecg_overlap.evaluation.results import Results
from ecg_overlap.evaluation.wording import NOTHING, in_order
from ecg_overlap.metrics.align import FloatArray

PICTURES_FOLDER = "pictures"
PICTURES_INDEX = "index.json"
RANKS = ("worst", "median", "best", "unscored")
# Name and decimals.
CLINICAL = {
    "heart_rate_bpm": ("heart rate, bpm", 1),
    "qrs_amplitude_mv": ("QRS amplitude, mV", 3),
    "qrs_duration_ms": ("QRS duration, ms", 1),
    "qt_ms": ("QT, ms", 1),
    "st_level_mv": ("ST level at J + 60 ms, mV", 3),
}


def samples(folder: Path, pictures: list[dict[str, str]]) -> Section | None:
    """Worst, median and best samples, as `pictures.draw_all` left them in the folder."""
    blocks = picture_folds(folder, pictures)
    text = (
        "Ranked by SNR, aligned (a refused lead has 0 dB). Each shows the picture with the "
        "recovered path in red; the mask, with the true trace gray, what was found beside it red, "
        "what was missed blue; and the true signal in gray under the recovered one in red."
    )
    return Section("Samples", (text,), blocks) if blocks else None


def picture_folds(folder: Path, pictures: list[dict[str, str]]) -> tuple[Fold, ...]:
    """The pictures of each set and rank, to be unfolded."""
    blocks: list[Fold] = []
    for test_set in dict.fromkeys(entry["test_set"] for entry in pictures):
        for rank in RANKS:
            figures = tuple(
                Figure(entry["caption"], png=folder / PICTURES_FOLDER / entry["file"])
                for entry in pictures
                if entry["test_set"] == test_set and entry["rank"] == rank
            )
            if not figures:
                continue
            method = next(e["method"] for e in pictures if e["test_set"] == test_set)
            title = f"`{test_set}`, {method}: {rank} {len(figures)}"
            # The worst are what a reader must see.
            blocks += [Fold(title, figures, is_open=rank == "worst")]
    return tuple(blocks)


def clinical(results: Results, rows: pd.DataFrame) -> Section | None:
    """Bland–Altman agreement of what a reader measures on an ECG, the leading one plotted."""
    names = in_order(results)
    best = leading(results, *results.test_sets)
    lines: list[Row] = []
    figures: list[Figure] = []
    for quantity in (name for name in CLINICAL if TRUE + name in rows):
        label, decimals = CLINICAL[quantity]
        measured = []
        for method in names:
            ref, est = _pairs(rows, method, quantity)
            if len(ref) < 2:
                continue
            bias, low, high = plots.agreement(ref, est)
            texts = (f"{v:.{decimals}f}".replace("-", "−") for v in (bias, low, high))
            measured.append(Row((method, str(len(ref)), *texts)))
            if method == best:
                svg = plots.bland_altman(ref, est, label=label)
                figures.append(Figure(f"{label}: {method}, n = {len(ref)}", svg, small=True))
        lines += group(label, measured)
    if not lines:
        return None
    table = Table(
        "Recovered minus true, over all test sets: bias and 95 % limits of agreement "
        "(bias ± 1.96 SD). Leads where either signal gave no measurement are left out.",
        ("Method", "n", "bias", "lower limit", "upper limit"),
        tuple(lines),
    )
    text = _clinical_text(results)
    return Section("Clinical agreement", text, (table, *figures))


def _pairs(rows: pd.DataFrame, method: str, quantity: str) -> tuple[FloatArray, FloatArray]:
    part = rows.loc[rows["method"] == method, [TRUE + quantity, FOUND + quantity]]
    values = part.to_numpy(np.float64)
    values = values[np.isfinite(values).all(axis=1)]
    return values[:, 0], values[:, 1]


def _clinical_text(results: Results) -> tuple[str, ...]:
    costly = results.settings.get("n_costly")
    if results.settings.get("full") or costly is None:
        return ("Measured with NeuroKit2 on both signals.",)
    return (
        f"Measured with NeuroKit2 on both signals, on {costly} leads of each test set that stand "
        "at even distances in it (`full=true` measures all).",
    )


def reasons(rows: pd.DataFrame) -> Section | None:
    """Why methods refused leads, counted."""
    part = rows[rows["failed"] & rows["reason"].astype(bool)]
    if part.empty:
        return None
    counts = part.groupby(["test_set", "method", "reason"], sort=False).size()
    lines = tuple(
        Row((str(key[0]), str(key[1]), str(key[2]), str(count)))  # type: ignore[index]
        for key, count in counts.sort_values(ascending=False).head(30).items()
    )
    table = Table(
        "Leads that counted as a flat line, by the reason given.",
        ("Test set", "Method", "Reason", "n"),
        lines,
        text_columns=3,
    )
    return Section("Failures", (), (table,))


def provenance(results: Results, rows: pd.DataFrame | None) -> Section:
    """Command, code, versions, machine, settings; hashes of the sets; origin of the weights."""
    facts = {
        "Command": f"`{results.command}`",
        "Made": results.created,
        "Code": f"`{results.git}`" if results.git else "not in a git repository",
        "Machine": results.device,
        "Versions": ", ".join(f"{name} {version}" for name, version in results.versions.items()),
        "Settings": ", ".join(f"{name} {value}" for name, value in results.settings.items()),
    }
    about = Table(
        "Re-made from the files beside it by `python -m ecg_overlap.evaluation.report DIR`.",
        ("", ""),
        tuple(Row((name, value)) for name, value in facts.items() if value),
        text_columns=2,
    )
    sets = Table(
        "Test sets; the hash covers every picture, mask and signal, in order.",
        ("Test set", "Kind", "SHA-256", "Note", "n"),
        tuple(
            Row((name, info.kind, f"`{info.sha256[:16]}`", info.note or NOTHING, str(info.n)))
            for name, info in results.test_sets.items()
        ),
        text_columns=4,
    )
    jobs = results.settings.get("jobs")
    methods = Table(
        "Methods. Time: median per lead, from picture to signal, by the clock"
        + (f", in a run of jobs={jobs}." if jobs else "."),
        ("Method", "Kind", "Weights", "parameters", "ms per lead"),
        tuple(_method_row(name, results, rows) for name in in_order(results)),
        text_columns=3,
    )
    return Section("How it was made", results.notes, (about, sets, methods))


def _method_row(name: str, results: Results, rows: pd.DataFrame | None) -> Row:
    info = results.methods[name]
    time = NOTHING
    if rows is not None:
        time = f"{rows.loc[rows['method'] == name, 'time_ms'].median():.0f}"
    params = f"{info.params:,}" if info.params else NOTHING
    return Row((name, info.kind, info.checkpoint or NOTHING, params, time))
