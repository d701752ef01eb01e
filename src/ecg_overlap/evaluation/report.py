"""The report, from an evaluation's files alone: `python -m ecg_overlap.evaluation.report DIR`."""

import argparse
import json
import sys
from pathlib import Path

from data_gen.errors import InputError
from ecg_overlap.evaluation import (
    sections_about,
    sections_pages,
    sections_quality,
    sections_samples,
    sections_scores,
    sections_severity,
)
from ecg_overlap.evaluation.document import Section, to_html, to_markdown
from ecg_overlap.evaluation.results import PAGES, Results, read, read_per_sample, write_text
from ecg_overlap.evaluation.sections_samples import PICTURES_FOLDER, PICTURES_INDEX

TITLE = "Digitization of overlapping ECG leads"


def render_report(folder: Path) -> Path:
    """Write `index.html` (one file, nothing beside it is needed) and `report.md` into a folder.

    Args:
        folder: Holds `results.json`; also `per_sample.parquet` and `pictures/`, where the
            results name them.

    Returns:
        Path of `index.html`.

    Raises:
        InputError: A file is missing or not in our schema, or the folder cannot be written.
    """
    results = read(folder)
    sections = _sections(folder, results)
    methods = f"{len(results.methods)} method{'s' * (len(results.methods) > 1)}"
    sets = f"{len(results.test_sets)} test set{'s' * (len(results.test_sets) > 1)}"
    subtitle = (
        f"Image to millivolts, scored against the true signals: {methods} on {sets}; "
        + (results.created[:10])
    )
    write_text(folder / "report.md", to_markdown(TITLE, subtitle, sections))
    return write_text(folder / "index.html", to_html(TITLE, subtitle, sections))


def _sections(folder: Path, results: Results) -> list[Section]:
    rows = read_per_sample(folder, results)
    pictures = _pictures(folder)
    of_pages = [e for e in pictures if results.test_sets[e["test_set"]].kind == PAGES]
    of_leads = [e for e in pictures if e not in of_pages]
    found: list[Section | None] = [
        sections_scores.headline(results),
        sections_about.about_rows(results),
        sections_pages.pages(results, folder, of_pages),
        sections_severity.severity(results),
        None if rows is None else sections_scores.differences(results, rows),
        sections_scores.oracles(results),
        sections_scores.where_errors_are(results),
        None if rows is None else sections_quality.quality(results, rows),
        sections_scores.other_scores(results),
        sections_samples.samples(folder, of_leads),
    ]
    if rows is not None:
        found += [
            sections_samples.clinical(results, rows),
            sections_scores.groups(results, rows, by="layout", title="By layout"),
            sections_scores.groups(results, rows, by="lead", title="By lead"),
            sections_samples.reasons(rows),
        ]
    found.append(sections_samples.provenance(results, rows))
    return [section for section in found if section is not None]


def _pictures(folder: Path) -> list[dict[str, str]]:
    path = folder / PICTURES_FOLDER / PICTURES_INDEX
    if not path.is_file():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [{str(k): str(v) for k, v in entry.items()} for entry in entries]
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(path, f"cannot be read ({error})", "run eval.py again") from error


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ecg_overlap.evaluation.report")
    parser.add_argument("folder", type=Path, help="where results.json lies")
    folder = parser.parse_args(arguments).folder
    try:
        sys.stdout.write(f"{render_report(folder)}\n")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
