"""Who has which ink where traces meet: paths decoded one by one, and drawn together.

    python benchmarks/contacts.py --records ../shared/data/ptbxl --n 24
    python benchmarks/contacts.py --n 12 --pitch 15 30 --dpi 100 400

Clean pages are drawn of PTB-XL's fold 9, or of simulated hearts without --records. Their ink and
the rows of their traces are given, so that nothing but the tracing is measured. SNR is that of the
path in rows of the picture, about its median error; leads are grouped by the share of their columns
in which another trace touches them. Pages on which none does in 1 % are left out.
"""

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path as FilePath

import numpy as np
from numpy.typing import NDArray

from data_gen import presets
from data_gen.sample import Page, PageTrace
from data_gen.severity import page_contacts
from data_gen.signals import Ptbxl, SignalSource
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.paths.together import redrawn
from ecg_overlap.digitize.traces.joint import Traces, trace_all
from ecg_overlap.evaluation.page_sets import WEIGHTS, DrawnPages, drawn_pages

LEAST_CONTACT = 0.01
EDGES = (-1.0, 0.001, 0.01, 0.03, 1.0)
POOR_R, CEILING_DB, FLOOR_DB = 0.9, 40.0, -10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=FilePath, help="PTB-XL's folder; else simulated records")
    parser.add_argument("--n", type=int, default=24, help="pages drawn")
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--pitch", type=float, nargs=2, default=(14, 24), metavar="MM")
    parser.add_argument("--dpi", type=float, nargs=2, default=(100, 220))
    arguments = parser.parse_args()
    signals: SignalSource = (
        Ptbxl(str(arguments.records))
        if arguments.records
        else presets.load_part("signals", "simulate")
    )
    pages: DrawnPages = drawn_pages(
        "clean",
        signals,
        n=arguments.n,
        seed=arguments.seed,
        split="val",
        weights=WEIGHTS,
        overlap=presets.load_part("overlap", "page", {"row_pitch_mm": list(arguments.pitch)}),
        dpi=tuple(arguments.dpi),
    )
    contacts: list[float] = []
    found: dict[str, list[tuple[float, float]]] = {"one by one": [], "together": []}
    seconds = 0.0
    for index in range(arguments.n):
        page = pages.drawn(index)
        masks = [trace.mask for trace in page.traces if trace.mask is not None]
        touched = page_contacts(masks)
        if max(touched) < LEAST_CONTACT:
            continue
        traces, of_row = traced(page, np.maximum.reduce(masks))
        apart = [stroke(traces.ink(k)) for k in range(len(traces.rows_px))]
        started = time.process_time()
        together = redrawn(traces, apart)
        seconds += time.process_time() - started
        for name, paths in (("one by one", apart), ("together", together)):
            found[name] += [score(paths[k], trace) for k, trace in of_row]
        contacts += [touched[page.traces.index(trace)] for _, trace in of_row]
    table(np.array(contacts), {name: np.array(scores) for name, scores in found.items()})
    print(f"redrawing: {seconds:.1f} s, with what was compiled")


def traced(page: Page, ink: NDArray[np.uint8]) -> tuple[Traces, list[tuple[int, PageTrace]]]:
    """All traces of a page's true ink on their true rows; and the row of each of its leads."""
    rows = sorted({round(trace.calibration.baseline_px, 1) for trace in page.traces})
    expected = np.full((len(rows), ink.shape[1]), np.nan)
    of_row = []
    for trace in page.traces:
        k = rows.index(round(trace.calibration.baseline_px, 1))
        assert trace.polyline_px is not None
        x = trace.polyline_px[:, 0]
        expected[k, int(np.nanmin(x)) : int(np.nanmax(x)) + 1] = rows[k]
        of_row.append((k, trace))
    cover = ink.astype(np.float32) / np.float32(255)
    return trace_all(cover, expected, px_per_mm=page.dpi / 25.4), of_row


def score(path: Path, trace: PageTrace) -> tuple[float, float]:
    """SNR in dB and Pearson's ρ of a path along one lead's samples."""
    assert trace.polyline_px is not None
    seen = np.isfinite(path.y_px)
    x = trace.polyline_px[:, 0].astype(np.float64)
    true, y = trace.polyline_px[:, 1], np.interp(x, path.x_px[seen], path.y_px[seen])
    known = np.isfinite(true)
    error = (y - true)[known]
    error = error - np.median(error)
    snr = 10 * np.log10(np.var(true[known]) / max(float(np.mean(error**2)), 1e-9))
    return float(snr), float(np.corrcoef(true[known], y[known])[0, 1])


def table(contacts: NDArray[np.float64], found: dict[str, NDArray[np.float64]]) -> None:
    print("contact         n     paths       SNR median  mean  ρ<.9")
    for low, high, label in parts():
        here = (contacts > low) & (contacts <= high)
        for name, scores in found.items():
            snr, rho = scores[here].T
            if len(snr):
                mean = np.clip(snr, FLOOR_DB, CEILING_DB).mean()
                poor = (rho < POOR_R).mean()
                numbers = f"{np.median(snr):9.2f} {mean:6.2f} {poor:5.3f}"
                print(f"{label:13} {len(snr):4}  {name:12} {numbers}")


def parts() -> Iterator[tuple[float, float, str]]:
    """Ranges of contact, and all of them."""
    for low, high in itertools.pairwise(EDGES):
        yield low, high, f"{max(low, 0):g}–{high:g}"
    yield EDGES[0], EDGES[-1], "all"


if __name__ == "__main__":
    main()
