"""Whole pages, read and scored: layout, names, each lead's SNR, and the time it takes.

    python benchmarks/pages.py --preset clean --n 100
    python benchmarks/pages.py --preset scan --source ptbxl --layout 3x4+1R --pitch 15 20
    python benchmarks/pages.py --folder DIR --method classical --pictures FOLDER

Pages are drawn of LUDB (all of it is test) or of PTB-XL's fold 9, at 25 mm/s and 10 mm/mV, in the
layouts that paper has, or read from a folder: scans with `mapping.csv`, or ecg-image-kit's pages.
Scores are `aligned` after one lag for the whole page, a missing lead is a flat line
(docs/metrics.md). A `?` behind a lead's name: what was found under it is another lead's trace.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import wfdb

from data_gen import presets
from data_gen.errors import InputError
from data_gen.formats.kit_page import write_page
from data_gen.layout import LAYOUTS
from data_gen.sample import LEADS
from data_gen.signals import Ptbxl, Wfdb
from ecg_overlap.digitize.page.digitize import digitize_page
from ecg_overlap.digitize.page.overlay import draw_overlay
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.digitize.plans import PAGE_METHODS
from ecg_overlap.digitize.write import write_png
from ecg_overlap.evaluation.page_sets import WEIGHTS, DrawnPages, PageSet, drawn_pages, pages
from ecg_overlap.evaluation.pages import ReadPage, TruePage, beside_truth
from ecg_overlap.metrics.bootstrap import CEILING_DB
from ecg_overlap.onnx_network import load_ink

BELOW_DB, BELOW_RHO = 8.0, 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="scans with mapping.csv, or the kit's pages")
    parser.add_argument("--preset", default="clean", help="of conf/page")
    parser.add_argument("--source", choices=("ludb", "ptbxl"), default="ludb")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--layout", nargs="+", choices=tuple(LAYOUTS), help="else the usual")
    parser.add_argument("--pitch", type=float, nargs=2, default=(15, 30), metavar="MM")
    parser.add_argument("--dpi", type=float, nargs=2, help="else the preset's own")
    parser.add_argument("--n", type=int, help="pages; 20 of the drawn, all of a folder")
    parser.add_argument("--first", type=int, default=0, help="index of the first page")
    parser.add_argument("--seed", type=int, default=2000003)
    parser.add_argument("--method", default="default", choices=("default", *PAGE_METHODS))
    parser.add_argument("--checkpoint", type=Path, help="an ink network's, else the package's")
    parser.add_argument("--tell-layout", action="store_true", help="give the true layout")
    parser.add_argument("--save", type=Path, help="folder for the records, as WFDB")
    parser.add_argument("--pictures", type=Path, help="folder for overlays")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    network = load_ink(arguments.checkpoint) if arguments.method != "classical" else None
    test_set = chosen(arguments)
    rows: list[dict[str, Any]] = []
    for index in range(arguments.first, len(test_set)):
        name = test_set.sample_id(index).rpartition("/")[2]
        truth = test_set.page(index)
        told = {"layout": truth.layout} if arguments.tell_layout else {}
        started = time.process_time()
        found = read(truth, method=arguments.method, network=network, **told)
        seconds = time.process_time() - started
        rows.append(row_of(name, beside_truth(truth, found), seconds))
        print(line_of(rows[-1]), flush=True)
        if arguments.pictures:
            arguments.pictures.mkdir(parents=True, exist_ok=True)
            shown = truth.image if found is None else draw_overlay(found, truth.image)
            write_png(shown, arguments.pictures / f"{name}.png")
        if arguments.save:
            save(test_set, index, name, found, arguments.save)
    print(summary := summary_of(rows))
    if arguments.json:
        pages = ",\n".join(json.dumps(row) for row in rows)  # a page a line
        text = f'{{"summary": {json.dumps(summary, indent=1)},\n"pages": [\n{pages}\n]}}\n'
        arguments.json.write_text(text, encoding="utf-8")


def chosen(arguments: argparse.Namespace) -> PageSet:
    if arguments.folder:
        return pages(arguments.folder, n=arguments.n)
    if arguments.source == "ludb":
        signals, split = Wfdb(str(arguments.data / "ludb"), fractions=(0, 0, 1)), "test"
    else:
        signals, split = Ptbxl(str(arguments.data / "ptbxl")), "val"  # fold 9
    return drawn_pages(
        arguments.preset,
        signals,
        n=arguments.first + (arguments.n or 20),
        seed=arguments.seed,
        split=split,
        weights={name: WEIGHTS.get(name, 1) for name in arguments.layout or WEIGHTS},
        overlap=presets.load_part("overlap", "page", {"row_pitch_mm": list(arguments.pitch)}),
        dpi=arguments.dpi and tuple(arguments.dpi),
    )


def read(truth: TruePage, **options: Any) -> PageSignal | None:
    """The page; None, and the reason printed, where it is refused."""
    try:
        return digitize_page(truth.image, stages=True, **options)
    except InputError as error:
        print(error)
        return None


def row_of(name: str, page: ReadPage, seconds: float) -> dict[str, Any]:
    """What is known of one page, as values that JSON can hold."""
    leads = {}
    for lead in page.leads:
        score = lead.aligned()
        leads[lead.truth.lead_name] = {
            "snr_db": round(min(score.snr_db, CEILING_DB), 2),
            "rho": round(score.pearson_r, 4),
            "named": lead.named,
        }
    return {
        "page": name,
        "record": page.truth.record_id,
        "layout": page.truth.layout,
        "layout_found": page.found.layout if page.found else None,
        "leads": leads,
        "missed": page.missed,
        "invented": page.invented,
        "flags": page.found.flags if page.found else ("refused",),
        "lag_s": round(page.lag_s, 3),
        "seconds": round(seconds, 2),
    }


def line_of(row: dict[str, Any]) -> str:
    right = "" if row["layout"] == row["layout_found"] else " WRONG"
    leads = row["leads"]
    snr = " ".join(f"{k}{'' if v['named'] else '?'} {v['snr_db']:.0f}" for k, v in leads.items())
    named = sum(v["named"] for v in leads.values())
    parts = [f"{row['page']} {row['layout']}→{row['layout_found']}{right}"]
    parts += [f"names {named}/{len(leads)}", snr]
    parts += [f"{what} {','.join(row[what])}" for what in ("missed", "invented") if row[what]]
    parts += [f"lag {row['lag_s']:+.2f} s", ",".join(row["flags"]), f"{row['seconds']:.1f} s"]
    return "  ".join(part for part in parts if part)


def summary_of(rows: list[dict[str, Any]]) -> dict[str, float]:
    leads = [lead for row in rows for lead in row["leads"].values()]
    snr = np.array([lead["snr_db"] for lead in leads])
    seconds = np.array([row["seconds"] for row in rows])
    found = {
        "pages": len(rows),
        "leads": len(leads),
        "snr_median_db": np.median(snr),
        "snr_mean_db": snr.mean(),
        "below_8_db": (snr < BELOW_DB).mean(),
        "rho_below_0.9": np.mean([lead["rho"] < BELOW_RHO for lead in leads]),
        "layout_accuracy": np.mean([row["layout"] == row["layout_found"] for row in rows]),
        "name_accuracy": np.mean([lead["named"] for lead in leads]),
        "missed": sum(len(row["missed"]) for row in rows),
        "invented": sum(len(row["invented"]) for row in rows),
        "seconds_median": np.median(seconds),
        "seconds_most": seconds.max(),
    }
    return {name: round(float(value), 3) for name, value in found.items()}


def save(test_set: PageSet, index: int, name: str, found: PageSignal | None, folder: Path) -> None:
    """The record as WFDB below `found`, and a drawn page in the kit's format below `pages`."""
    records = folder / "found"
    records.mkdir(parents=True, exist_ok=True)
    if isinstance(test_set, DrawnPages):
        write_page(test_set.drawn(index), folder / "pages", name)
        name = f"{name}-0"  # as the kit names its picture
    if found is not None:
        wfdb.wrsamp(
            name, fs=found.fs_hz, units=["mV"] * len(LEADS), sig_name=list(LEADS),
            p_signal=found.signal_mv, fmt=["32"] * len(LEADS), adc_gain=[2000.0] * len(LEADS),
            baseline=[0] * len(LEADS), write_dir=str(records),
        )  # fmt: skip


if __name__ == "__main__":
    main()
