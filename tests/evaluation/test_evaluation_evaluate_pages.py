"""Pages in an evaluation: beside sets of leads, counted by page or by lead, and in its report."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from page_oracle import read_by_truth, renamed, without
from tiny_set import TinySet, beat_mv, method

from data_gen.errors import InputError
from data_gen.sample import LEADS, Record
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.evaluation.evaluate import evaluate
from ecg_overlap.evaluation.page_sets import PageSet
from ecg_overlap.evaluation.pages import TruePage, printed_record
from ecg_overlap.evaluation.report import render_report
from ecg_overlap.evaluation.results import Results, read

N = 3
# Columns that are the same for all leads of a page: their means are of pages only if they stand
# once in the table.
BY_PAGE = ("layout_accuracy", "leads_missed", "leads_invented", "page_s")


def page_of(index: int) -> TruePage:
    """A blank picture, whose width says which page it is."""
    signal = np.stack([beat_mv(1000, seed=20 * index + k) for k in range(12)], axis=1)
    image = np.full((40, 100 + index, 3), 255, np.uint8)
    return printed_record(image, Record(signal, 100.0, LEADS, f"record-{index}"), "3x4+1R")


@dataclass(frozen=True)
class TinyPages:
    n: int = N
    name: str = "tiny_pages"
    kind: str = "pages"
    note: str = ""

    def __len__(self) -> int:
        return self.n

    def page(self, index: int) -> TruePage:
        return page_of(index)

    def sample_id(self, index: int) -> str:
        return f"{self.name}/{index}"

    def identity(self) -> str:
        return f"{self.n}"


def number_of(image: NDArray[np.uint8]) -> int:
    return image.shape[1] - 100


def read_well(image: NDArray[np.uint8]) -> PageSignal:
    return read_by_truth(page_of(number_of(image)))


def read_with_faults(image: NDArray[np.uint8]) -> PageSignal:
    """Page 0 is refused, of page 1 a lead is missing, of page 2 two names are swapped."""
    found = read_well(image)
    if number_of(image) == 0:
        raise InputError("page", "no grid was found", "give px_per_mm")
    if number_of(image) == 1:
        return replace(without(found, "V3"), layout="6x2")
    return renamed(found, {"V1": "V2", "V2": "V1"})


def read_broken(image: NDArray[np.uint8]) -> PageSignal:
    raise ZeroDivisionError("a defect")


METHODS = [
    replace(method("perfect"), read_page=read_well),
    replace(method("nine_tenths"), read_page=read_with_faults),
    replace(method("broken"), read_page=read_broken),
    method("refuse"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pages")
    evaluate(METHODS, [TinySet(2), TinyPages()], out=out, n_costly=1, progress=False)
    return out


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return read(folder)


def mean(results: Results, name: str, metric: str, alignment: str = "none") -> tuple[int, float]:
    score = results.score(name, "tiny_pages", metric, alignment=alignment)
    assert score is not None
    return score.n, score.mean


def test_a_set_of_pages_is_one() -> None:
    assert isinstance(TinyPages(), PageSet)
    assert not isinstance(TinySet(), PageSet)


def test_every_lead_of_every_page_has_its_row(folder: Path) -> None:
    rows = pd.read_parquet(folder / "per_sample.parquet")
    rows = rows[(rows["test_set"] == "tiny_pages") & (rows["method"] == "perfect")]
    assert rows["lead"].tolist() == [*LEADS] * N
    assert rows["index"].tolist() == sorted([*range(N)] * 12)
    assert rows["sample_id"].is_unique


@pytest.mark.parametrize("metric", BY_PAGE)
def test_what_is_of_the_page_is_counted_by_pages(results: Results, metric: str) -> None:
    assert mean(results, "perfect", metric)[0] == N


def test_scores_are_those_known_by_hand(results: Results) -> None:
    assert mean(results, "perfect", "layout_accuracy") == (N, 1.0)
    assert mean(results, "perfect", "name_accuracy") == (12 * N, 1.0)
    assert mean(results, "nine_tenths", "layout_accuracy") == (N, pytest.approx(1 / 3))
    # None of page 0, eleven of page 1, ten of page 2.
    assert mean(results, "nine_tenths", "name_accuracy") == (12 * N, pytest.approx(21 / 36))
    assert mean(results, "nine_tenths", "leads_missed") == (N, pytest.approx((13 + 1 + 0) / 3))
    assert mean(results, "nine_tenths", "leads_invented") == (N, 0.0)
    assert mean(results, "nine_tenths", "failure_rate") == (12 * N, pytest.approx(13 / 36))


def test_a_refused_page_has_flat_lines_and_no_coverage(results: Results) -> None:
    assert mean(results, "broken", "snr_db", "aligned") == (12 * N, 0.0)
    assert mean(results, "broken", "coverage") == (12 * N, 0.0)
    assert mean(results, "perfect", "snr_db", "aligned")[1] > 25


def test_who_reads_no_pages_is_named(results: Results) -> None:
    assert results.score("refuse", "tiny_pages", "failure_rate", alignment="none") is None
    assert any("tiny_pages, which is of whole pages: refuse" in note for note in results.notes)


def test_the_report_shows_pages(folder: Path) -> None:
    html = render_report(folder).read_text(encoding="utf-8")
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "Whole pages" in html
    section = text.split("## Whole pages")[1].split("\n## ")[0]
    row = next(line for line in section.splitlines() if line.startswith("| nine_tenths"))
    assert "| 33.3 | 58.3 | 4.67 | 0.00 |" in row
    # The leading method's worst page, and none of the pictures of leads.
    assert "tiny_pages-worst" in section
    assert "3x4+1R found, 100 % of the names right" in section
    assert "tiny-worst" not in section
    assert "tiny_pages" not in text.split("## Samples")[1].split("\n## ")[0]
