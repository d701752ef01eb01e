"""`results.json`: what an evaluation found, as types that are checked when read and written."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import (
    ConfigDict,
    FiniteFloat,
    PositiveInt,
    StringConstraints,
    TypeAdapter,
    with_config,
)
from pydantic import ValidationError as SchemaError

from data_gen.errors import InputError
from data_gen.whole_file import whole_file

RESULTS_NAME = "results.json"
PER_SAMPLE_NAME = "per_sample.parquet"
PAGES = "pages"  # the kind of a test set of whole pages

# The classes below are the schema: pydantic checks a file's types against them.
Kind = Annotated[str, StringConstraints(pattern="^(model|baseline|oracle)$")]
Alignment = Annotated[str, StringConstraints(pattern="^(none|raw|offset|aligned)$")]
SUBSETS = r"^(all|clean|overlap|inside|outside|(contact|intrusion):\S+)$"
Subset = Annotated[str, StringConstraints(pattern=SUBSETS)]
STRICT = with_config(ConfigDict(extra="forbid"))  # a field that is not ours is a mistake


@STRICT
@dataclass(frozen=True)
class TestSetInfo:
    """A frozen test set: how many samples, of what kind, and the hash of all it holds.

    Args:
        n: Samples in it.
        kind: "preset", "crops", "shards", "eik" or "pages".
        sha256: Over the pixels, masks and signals of its samples, in order.
        note: What a reader must know of it, e.g. that its severity is an estimate.
    """

    __test__ = False  # a fact, not a test case: pytest collects by the name's first word

    n: int
    kind: str
    sha256: str
    note: str = ""


@STRICT
@dataclass(frozen=True)
class MethodInfo:
    """What was evaluated: its kind, and for a model where its weights come from."""

    kind: Kind
    checkpoint: str | None = None
    params: int | None = None
    weights_sha256: str | None = None


@STRICT
@dataclass(frozen=True)
class Score:
    """One mean with its interval, over the samples of one subset.

    Args:
        method: Name of the method.
        test_set: Name of the test set.
        subset: "all", "clean", "overlap", "inside", "outside", "contact:<bin>", or, of samples
            whose contact is not known, "intrusion:<bin>".
        metric: Name with its unit, e.g. "mse_mv2".
        alignment: How the signals were aligned; "none" where nothing is aligned.
        n: Samples counted.
        mean: Mean over them (pooled, for the micro scores).
        median: Median over them.
        ci95: Bootstrap 95 % interval of the mean.
    """

    method: str
    test_set: str
    subset: Subset
    metric: str
    alignment: Alignment
    n: PositiveInt
    mean: FiniteFloat
    median: FiniteFloat
    ci95: tuple[FiniteFloat, FiniteFloat]

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What it is the score of; no two scores of a file have the same."""
        return self.method, self.test_set, self.subset, self.metric, self.alignment


@STRICT
@dataclass(frozen=True)
class Results:
    """The whole of `results.json`.

    Args:
        created: ISO time.
        command: The command line that made it.
        git: Commit, with "-dirty" where the working tree differed; "" outside a repository.
        versions: Version by package.
        device: Machine, in words.
        test_sets: Facts by name.
        methods: Facts by name.
        scores: Every score.
        per_sample: Name of the table beside it, one row per sample and method.
        settings: Seed, subset sizes and other choices a number depends on.
        notes: Sentences the reader must see.
    """

    created: str
    command: str
    git: str
    versions: dict[str, str]
    device: str
    test_sets: dict[str, TestSetInfo]
    methods: dict[str, MethodInfo]
    scores: tuple[Score, ...]
    per_sample: str | None = PER_SAMPLE_NAME
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def score(
        self, method: str, test_set: str, metric: str, *, alignment: str, subset: str = "all"
    ) -> Score | None:
        """The one score under these names, or None where it was not computed."""
        return self._by_key.get((method, test_set, subset, metric, alignment))

    @cached_property
    def _by_key(self) -> dict[tuple[str, str, str, str, str], Score]:
        return {score.key: score for score in self.scores}


_SCHEMA = TypeAdapter(Results)


def checked(content: Any, *, where: str = RESULTS_NAME) -> Results:
    """The content of a `results.json` as types, fit to be relied on.

    Raises:
        InputError: It is not in the schema: a field too few or too many, an unknown kind, subset
            or alignment, a score over nothing or not finite. Or it contradicts itself: a score
            given twice, of a method or test set that is not listed, or without a `failure_rate`.
    """

    def require(condition: bool, what: str) -> None:
        if not condition:
            raise InputError(where, what, "run eval.py again")

    try:
        results = _SCHEMA.validate_python(content)
    except SchemaError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise InputError(
            where, f"is not in our schema: {place}: {first['msg']}", "run eval.py again"
        ) from None
    twice = [key for key, count in Counter(s.key for s in results.scores).items() if count > 1]
    require(not twice, f"score given twice: {twice[:1]}")
    for score in results.scores:
        require(score.method in results.methods, f"{score.key}: method not listed")
        require(score.test_set in results.test_sets, f"{score.key}: test set not listed")
    have = {(s.method, s.test_set) for s in results.scores}
    failing = {(s.method, s.test_set) for s in results.scores if s.metric == "failure_rate"}
    require(have <= failing, f"no failure_rate for {sorted(have - failing)[:1]}")
    return results


def write(results: Results, out: Path) -> Path:
    """Write `out/results.json`: checked, then written whole or not at all.

    Returns:
        The file's path.

    Raises:
        InputError: The results contradict themselves, or `out` cannot be written.
    """
    return write_text(out / RESULTS_NAME, written(results))


def written(results: Results) -> str:
    """The text of a `results.json`.

    Raises:
        InputError: The results contradict themselves.
    """
    content = asdict(results)
    checked(content)
    # One score a line: thousands of them, and a file that a person can search and compare.
    scores = ",\n".join(
        json.dumps(score, ensure_ascii=False, allow_nan=False) for score in content.pop("scores")
    )
    head = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    return f'{head.removesuffix("}").rstrip()},\n "scores": [\n{scores}\n ]\n}}\n'


def write_text(path: Path, text: str) -> Path:
    """Write a text file whole or not at all.

    Raises:
        InputError: The folder cannot be written.
    """
    try:
        with whole_file(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def write_table(rows: pd.DataFrame, path: Path) -> Path:
    """Write a parquet table whole or not at all.

    Raises:
        InputError: The folder cannot be written.
    """
    try:
        with whole_file(path) as part:
            rows.to_parquet(part, index=False)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(path, f"cannot be written ({error.strerror})", "choose another out=DIR")


def read(path: Path) -> Results:
    """Read `results.json`, given itself or its folder.

    Raises:
        InputError: There is none, it is no JSON, or `checked` refuses it.
    """
    path = path / RESULTS_NAME if path.is_dir() else path
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(path, "there is no such file", "run eval.py with out= there") from None
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read ({error})", "run eval.py again") from error
    return checked(raw, where=str(path))


def read_per_sample(folder: Path, results: Results) -> pd.DataFrame | None:
    """The table of one row per sample and method, or None where the results name none.

    Raises:
        InputError: The table is named but missing or unreadable.
    """
    if results.per_sample is None:
        return None
    path = folder / results.per_sample
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read ({error})", "run eval.py again") from error


def unique(names: Iterable[str], *, where: str) -> tuple[str, ...]:
    """The names as a tuple.

    Raises:
        InputError: There is none, or one stands twice.
    """
    names = tuple(names)
    if not names:
        raise InputError(where, "nothing is named", "name at least one")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(where, f"{', '.join(twice)} named twice", "name each once")
    return names
