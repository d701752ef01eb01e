"""The report's section on whole pages: layout and names, and the pages to be looked at."""

from pathlib import Path

from ecg_overlap.evaluation.document import Section
from ecg_overlap.evaluation.results import PAGES, Results
from ecg_overlap.evaluation.sections_samples import picture_folds
from ecg_overlap.evaluation.sections_scores import Columns, table_of

COLUMNS: Columns = (
    ("pearson_r", "aligned", "all", "ρ"),
    ("snr_db", "aligned", "all", "SNR, dB"),
    ("failure_rate", "none", "all", "failed, %"),
    ("layout_accuracy", "none", "all", "layout right, %"),
    ("name_accuracy", "none", "all", "names right, %"),
    ("leads_missed", "none", "all", "missed per page"),
    ("leads_invented", "none", "all", "invented per page"),
    ("page_s", "none", "all", "s per page"),
)
CAPTION = (
    "Means over leads and pages, `aligned`; a lead that is missing or of which less than half was "
    "found counts as a flat line. Names: of the leads that are printed, those under whose name "
    "their own trace was found. Missed and invented: traces that the page has and the reading has "
    "not, and the reverse, by name. Time by the clock, from picture to signals."
)
TEXT = (
    "A lead is scored over its longest stretch on the page, where the page's time axis has it; the "
    "axis as a whole may be up to ±0.5 s off. "
    "Pages are ranked by the mean SNR of their leads; each lead's path has a colour of its own, "
    "and ink like a trace's that is in no lead is red. A page that was refused is shown as it is."
)


def pages(results: Results, folder: Path, pictures: list[dict[str, str]]) -> Section | None:
    """What only pages have; None where no set is of pages."""
    sets = [name for name, info in results.test_sets.items() if info.kind == PAGES]
    table = table_of(results, COLUMNS, CAPTION, test_sets=sets)
    if table is None:
        return None
    return Section("Whole pages", (TEXT,), (table, *picture_folds(folder, pictures)))
