"""The report's section on what the rows of its tables are: each method, each test set."""

from ecg_overlap.digitize.plans import METHODS
from ecg_overlap.evaluation.document import Row, Section, Table
from ecg_overlap.evaluation.results import Results
from ecg_overlap.evaluation.wording import NOTHING, in_order

KINDS = {
    "model": "a network's",
    "baseline": "without a network",
    "oracle": "told some of the truth",
}
DECODERS = {
    "centroid": "the middle of the ink in each column",
    "viterbi": "one trace by Viterbi",
    "stroke": "the pen's stroke",
    "fortune": "the decoder of Fortune 2022",
    "fortune_fixed": "the decoder of Fortune 2022, mended",
}
TRUTHS = {"mask": "the true mask", "grid": "the true scale", "row": "the true row of 0 mV"}


def about_method(name: str) -> str:
    """What a method or oracle is, in a line; "" of one that is not ours."""
    base, *truths = name.split("@")
    what = DECODERS.get(base) if "mask" in truths else None
    if what is None and base in METHODS:
        what = METHODS[base].about
    if what is None:
        return ""
    told = [TRUTHS[truth] for truth in truths if truth in TRUTHS]
    return f"{what}; given {' and '.join(told)}" if told else what


def about_rows(results: Results) -> Section:
    """A line for every method, and for every test set."""
    methods = Table(
        "Methods.",
        ("Method", "Kind", "What it does"),
        tuple(
            Row((name, KINDS[results.methods[name].kind], about_method(name) or NOTHING))
            for name in in_order(results)
        ),
        text_columns=3,
    )
    sets = Table(
        "Test sets.",
        ("Test set", "What is in it", "n"),
        tuple(
            Row((f"`{name}`", info.note or NOTHING, str(info.n)))
            for name, info in results.test_sets.items()
        ),
        text_columns=2,
    )
    return Section("What the rows are", (), (methods, sets))
