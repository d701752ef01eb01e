"""The report stands alone, says what the files say, and is re-made from them."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tiny_set import TinySet, method

from data_gen.sample import LeadSample, Severity
from ecg_overlap.digitize.lead_signal import INTERVAL_LEVEL
from ecg_overlap.digitize.plans import METHODS as METHODS_OF_USERS
from ecg_overlap.evaluation import (
    compare,
    plots,
    report,
    sections_about,
    sections_quality,
    sections_severity,
)
from ecg_overlap.evaluation import results as files
from ecg_overlap.evaluation.document import Figure, Row, Section, Table, to_html, to_markdown
from ecg_overlap.evaluation.evaluate import evaluate
from ecg_overlap.evaluation.wording import number

ORACLES = ("centroid@mask", "stroke@mask", "stroke@mask@grid", "classical@row")
METHODS = [method("perfect", kind="model"), method("nine_tenths"), method("refuse")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    evaluate(METHODS, [TinySet(5)], out=out, progress=False, command="python eval.py n=5")
    report.render_report(out)
    return out


def test_the_page_needs_nothing_beside_it(folder: Path) -> None:
    page = (folder / "index.html").read_text()
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert "<script" not in page
    assert "@import" not in page
    assert page.count("data:image/png;base64,") == 1
    assert page.count("<svg") >= 1
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_the_papers_numbers_are_marked_as_quoted(folder: Path) -> None:
    page = (folder / "report.md").read_text()
    quoted, measured = page.index("*Quoted from arXiv 2506.10617"), page.index("*Measured here on")
    assert quoted < page.index("0.0029 | 0.9641") < measured
    assert measured < page.index("| nine_tenths |")


def test_it_says_how_it_was_made(folder: Path) -> None:
    page = (folder / "report.md").read_text()
    assert "`python eval.py n=5`" in page
    assert "numpy" in page
    assert "seed 0" in page
    assert re.search(r"\| tiny \| preset \| `[0-9a-f]{16}`", page)


def test_it_is_made_anew_from_the_files_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "index.html").read_text()
    (folder / "index.html").unlink()
    assert report.main([str(folder)]) == 0
    assert (folder / "index.html").read_text() == before
    assert capsys.readouterr().out.strip().endswith("index.html")


def test_a_folder_without_results_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "results.json" in said
    assert said.count("\n") == 1


def test_a_run_compared_with_itself_differs_by_nothing(folder: Path) -> None:
    table = compare.compare(folder, folder)
    values = [row.cells[5] for row in table.rows if not row.heading]
    assert values
    assert all(re.fullmatch(r"0\.0+\t0\.0+ … 0\.0+", value) for value in values)


def test_a_comparison_finds_what_became_better(folder: Path, tmp_path: Path) -> None:
    better = method("nine_tenths")
    object.__setattr__(better, "digitize", METHODS[0].digitize)
    evaluate([better], [TinySet(5)], out=tmp_path, progress=False)
    lines = compare.compare(folder, tmp_path).rows
    snr = next(row for row in lines if row.cells[:2] == ("overlapping", "SNR, dB"))
    assert snr.cells[2] == "4"
    assert snr.cells[3] == "20.0"
    assert snr.cells[5].startswith("**")
    assert snr.cells[6] == "100"
    mse = next(row for row in lines if row.cells[:2] == ("overlapping", "MSE, mV²"))
    assert mse.cells[5].startswith("**−")
    assert mse.cells[6] == "100"


@pytest.mark.parametrize(
    ("methods", "n", "says"), [(["perfect"], 4, "other samples"), (["broken"], 5, "no method")]
)
def test_what_cannot_be_compared_says_why(
    folder: Path,
    tmp_path: Path,
    methods: list[str],
    n: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    evaluate([method(name) for name in methods], [TinySet(n)], out=tmp_path, progress=False)
    assert compare.main([str(folder), str(tmp_path)]) == 1
    assert says in capsys.readouterr().err


def test_text_is_escaped_and_marked_up() -> None:
    table = Table("a < b", ("Name", "x"), (Row(("**1**\t0 … 2", "`<i>`")), Row(("all",), True)))
    page = to_html("T & T", "sub", [Section("One", ("p <q>",), (table,))])
    assert "<title>T &amp; T</title>" in page
    assert "p &lt;q&gt;" in page
    assert "<strong>1</strong> <small>0 … 2</small>" in page
    assert "<code>&lt;i&gt;</code>" in page
    assert '<th colspan="2">all</th>' in page
    text = to_markdown("T", "sub", [Section("One", (), (table, Figure("a plot", "<svg/>")))])
    assert "| **1** (0 … 2) | `<i>` |" in text
    assert "| *all* |  |" in text


def test_the_level_of_the_error_bars_is_the_digitizers(folder: Path) -> None:
    assert f"{100 * INTERVAL_LEVEL:.0f} % is meant" in (folder / "report.md").read_text()


def test_of_the_time_it_says_only_what_was_measured(folder: Path) -> None:
    page = (folder / "report.md").read_text()
    assert "median per lead, from picture to signal, by the clock, in a run of jobs=1." in page
    assert "core of this machine" not in page


def test_severity_shows_the_scores_of_the_results(folder: Path) -> None:
    found = files.read(folder)
    section = sections_severity.severity(found)
    assert section is not None
    _, table = section.blocks
    assert isinstance(table, Table)
    assert [text for text, _ in table.spans] == ["", "no contact", "5–15 %", "15–30 %", "> 30 %"]
    score = found.score(
        "nine_tenths", "tiny", "mse_mv2", alignment="aligned", subset="contact:(15,30]"
    )
    row = next(row for row in table.rows if row.cells[0] == "nine_tenths")
    assert score is not None
    assert row.cells[6] == number(score.mean, "mse_mv2")


def test_without_contact_severity_is_shown_by_intrusion(tmp_path: Path) -> None:
    class MaskAlone(TinySet):
        def sample(self, index: int) -> LeadSample:
            sample = super().sample(index)
            severity = Severity(index / 5, float("nan"), 0, 0, float("nan"))
            return replace(sample, severity=severity)

    found = evaluate(METHODS[1:2], [MaskAlone(3)], out=tmp_path, progress=False)
    section = sections_severity.severity(found)
    assert section is not None
    figure, table = section.blocks
    assert isinstance(table, Table) and isinstance(figure, Figure)
    assert [text for text, _ in table.spans] == ["", "no intrusion", "15–30 %", "> 30 %"]
    assert "intrusion: part of the trace's columns" in figure.svg


def test_stated_quality_is_shown_against_what_happened(tmp_path: Path) -> None:
    of_all = [method("sure_of_itself"), method("perfect")]
    evaluate(of_all, [TinySet(20)], out=tmp_path, progress=False)
    found = files.read(tmp_path)
    rows = files.read_per_sample(tmp_path, found)
    assert rows is not None
    section = sections_quality.quality(found, rows)
    assert section is not None
    figure, table = section.blocks
    assert isinstance(figure, Figure) and isinstance(table, Table)
    _, row = table.rows
    # 10 of 20 are good, and the stated 0.9 and 0.1 miss by a tenth each; `perfect` states none.
    assert row.cells == (
        "sure_of_itself", "20", "50.0", "50.0", "1.000", "1.000", "0.010", "0.250",
    )  # fmt: skip
    assert "stated quality" in figure.svg
    assert "## Stated quality" in report.render_report(tmp_path).with_name("report.md").read_text()


def test_of_few_leads_no_curve_is_drawn(tmp_path: Path) -> None:
    found = evaluate([method("sure_of_itself")], [TinySet(19)], out=tmp_path, progress=False)
    rows = files.read_per_sample(tmp_path, found)
    assert rows is not None
    assert sections_quality.quality(found, rows) is None


def test_a_hostile_name_stays_text(tmp_path: Path) -> None:
    evil = """"><img src=x onerror='alert(1)'>**`</style>&amp;"""

    class Hostile(TinySet):
        def sample_id(self, index: int) -> str:
            return evil

    evaluate(METHODS[1:2], [Hostile(3, name=f"set{evil}".replace("/", ""))], out=tmp_path)
    page = report.render_report(tmp_path).read_text()
    assert "<img src=x" not in page
    assert page.count("</style>") == 1 + page.count("<svg")  # the page's own, and each plot's
    assert "&lt;img src=x onerror=" in page
    Parsed().feed(page)


class Parsed(HTMLParser):
    """Fails on an attribute that runs code, or a tag that a report has no use for."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "iframe", "object", "form"}
        assert not [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (-0.04, "snr_db", "0.0"),
        (-1.26, "snr_db", "−1.3"),
        (0.0429, "failure_rate", "4.3"),
        (float("nan"), "snr_db", "·"),
        (float("inf"), "snr_db", "∞"),
        (0.00004, "mse_mv2", "0.00004"),
    ],
)
def test_numbers_in_words(value: float, metric: str, text: str) -> None:
    assert number(value, metric) == text


def test_limits_of_agreement() -> None:
    # Differences 1, 3: bias 2, SD √2.
    bias, low, high = plots.agreement(np.array([0.0, 0.0]), np.array([1.0, 3.0]))
    assert bias == 2.0
    assert (low, high) == pytest.approx((2 - 1.96 * 2**0.5, 2 + 1.96 * 2**0.5))


def test_plots_take_the_pages_colour_and_are_the_same_each_time() -> None:
    series = {"a": [(1.0, 0.5, 1.5), None, (2.0, 1.0, 3.0)], "b": [None, None, None]}
    made = [plots.intervals(["x", "y", "z"], series, x_label="x", y_label="y") for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith("<svg")
    assert "currentColor" in made[0]
    assert "#010203" not in made[0]


def test_every_row_is_explained(tmp_path: Path) -> None:
    methods = [replace(method("perfect"), name=name) for name in (*METHODS_OF_USERS, *ORACLES)]
    evaluate(methods, [TinySet(2)], out=tmp_path, progress=False)
    found = files.read(tmp_path)
    what, sets = sections_about.about_rows(found).blocks
    assert isinstance(what, Table) and isinstance(sets, Table)
    assert {row.cells[0] for row in what.rows} == {*METHODS_OF_USERS, *ORACLES}
    assert all(len(row.cells[2]) > 10 for row in what.rows)
    oracle = next(row for row in what.rows if row.cells[0] == "stroke@mask@grid")
    assert oracle.cells[2] == "the pen's stroke; given the true mask and the true scale"
    page = report.render_report(tmp_path).with_name("report.md").read_text()
    assert "## What the rows are" in page
