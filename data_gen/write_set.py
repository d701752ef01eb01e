"""Writes a frozen set of samples: in parallel, resumable, always the same bytes.

A set is written in parts of `samples_per_shard` samples. Processes make sample by sample, whatever
the parts, and the parent puts them together in their order. A part's files are renamed into place
when they are whole, and last of all a note, `parts/part-000003.json`, with their SHA-256.

Whoever runs again skips the parts whose notes and files agree, and whoever finds all parts in
place writes `README.md`, `sample.png` and at last `manifest.json`. Nothing in these files depends
on who wrote what or when, so jobs on many machines need no master: each writes its own parts, and
the last to end (or any that is run again) finishes the set.
"""

import json
import shlex
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from data_gen.errors import InputError
from data_gen.formats import page_shards, shards
from data_gen.formats.data_card import PICTURE, Tally, data_card, sample_sheet, severity_counts
from data_gen.formats.ecg_image_kit import lead_samples
from data_gen.formats.files import (
    json_bytes,
    png_bytes,
    read_json,
    sha256,
    write_whole,
    writing_to,
)
from data_gen.formats.kit_page import write_page
from data_gen.formats.lead_crops import crop_name, write_lead_crop
from data_gen.formats.tars import MANIFEST, shard_name, write_tar
from data_gen.pool import results_in_order
from data_gen.sample import SPLITS, LeadSample, Page
from data_gen.severity import page_contacts
from data_gen.whole_file import PART_SUFFIX

PLAN = "plan.json"
CARD = "README.md"
_SHOWN = 6  # samples in the data card's picture


class Generator(Protocol):
    """Where samples and pages come from; pickled once for each process."""

    def sample(self, index: int, *, seed: int = 0, split: str = "train") -> LeadSample: ...

    def page(self, index: int, *, seed: int = 0, split: str = "train") -> Page: ...


def _versions() -> dict[str, str]:
    found = {}
    for name in ("ecg-overlap", "numpy", "scipy", "opencv-python-headless", "neurokit2"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@dataclass(frozen=True)
class SetPlan:
    """All that a set's bytes depend on.

    Args:
        n: Samples, or pages in the formats ecg_image_kit and pages.
        format: "shards", "lead_crops", "ecg_image_kit" or "pages" (in shards, with all masks).
        seed: Sample i comes from (seed, i).
        split: Whose records are drawn.
        samples_per_shard: Samples in one part.
        dials: The generator's options, for the record; values that JSON can hold.
        versions: Of the packages that draw.

    Raises:
        InputError: A value is impossible.
    """

    n: int
    format: str = "shards"
    seed: int = 0
    split: str = "train"
    samples_per_shard: int = 250
    dials: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=_versions)

    def __post_init__(self) -> None:
        for name in ("n", "samples_per_shard"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(name, f"is {value}", "give a positive whole number")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise InputError("seed", f"is {self.seed}", "give a whole number from 0")
        for name, choices in (("format", tuple(_MAKERS)), ("split", SPLITS)):
            if getattr(self, name) not in choices:
                raise InputError(
                    name, f"{getattr(self, name)} is unknown", f"choose one of {', '.join(choices)}"
                )

    @property
    def parts(self) -> int:
        return -(-self.n // self.samples_per_shard)

    def indices(self, part: int) -> range:
        """The samples of a part."""
        first = part * self.samples_per_shard
        return range(first, min(first + self.samples_per_shard, self.n))


def write_command(overrides: Sequence[str]) -> str:
    """The command that writes the set again, without what does not change it."""
    kept = [o for o in overrides if o.split("=")[0] not in ("shard", "jobs")]
    return shlex.join(["ecg-overlap", "generate", *kept])


def write_set(
    generator: Generator,
    out: str | Path,
    plan: SetPlan,
    *,
    shard: int | None = None,
    jobs: int = 1,
    command: str = "",
    progress: bool = True,
) -> int:
    """Writes a set, or what is missing of it.

    Args:
        generator: Draws the samples.
        out: The set's folder.
        plan: What to write.
        shard: Only this part; None for all.
        jobs: Processes.
        command: For the data card: how to write the set again.
        progress: Show a bar.

    Returns:
        How many parts are still to be written by others; with 0 the set is finished.

    Raises:
        InputError: The folder holds something else or cannot be written, there is no such
            part, the generator refuses its dials, or a worker died.
    """
    out = Path(out)
    if jobs < 1:
        raise InputError("jobs", f"is {jobs}", "give 1 or more processes")
    wanted = range(plan.parts) if shard is None else [shard]
    if shard is not None and not 0 <= shard < plan.parts:
        raise InputError(
            f"shard={shard}",
            f"the set has {plan.parts} shards (n={plan.n}, {plan.samples_per_shard} in each)",
            f"give shard=range(0,{plan.parts}) or another samples_per_shard",
        )
    with writing_to(out):
        _agree(out, plan)
        missing = [part for part in wanted if not _is_whole(out, part)]
        counts = {part: len(plan.indices(part)) for part in wanted}
        todo = [index for part in missing for index in plan.indices(part)]
        work = partial(_MAKERS[plan.format], generator, out, plan)
        with (
            closing(results_in_order(work, todo, jobs=min(jobs, len(todo)))) as made,
            tqdm(
                total=sum(counts.values()),
                initial=sum(counts.values()) - len(todo),
                unit="sample",
                disable=not progress,
            ) as bar,
        ):
            for part in missing:
                _write_part(out, plan, part, _counted(made, bar))
        return _finish(generator, out, plan, command=command)


def _agree(out: Path, plan: SetPlan) -> None:
    """Leaves the plan in the folder, or finds the same one there."""
    stored, ours = out / PLAN, json.loads(json_bytes(asdict(plan)))
    # Listed before the plan is looked for: another job writes the plan before all else.
    found = list(out.iterdir()) if out.is_dir() else [out] * out.exists()
    if stored.is_file():
        theirs = read_json(stored)
        if not isinstance(theirs, dict):
            raise InputError(stored, "is no plan", "choose another out=, or remove the folder")
        differing = sorted(key for key in ours if theirs.get(key) != ours[key])
        if differing:
            raise InputError(
                out,
                f"holds a set made with another {', '.join(differing)}",
                "choose another out=, or remove the folder",
            )
    elif any(path.suffix != PART_SUFFIX for path in found):
        raise InputError(out, "is not empty and holds no set of ours", "choose another out=")
    else:
        write_whole(stored, json_bytes(ours, indent=1))


def _note(out: Path, part: int) -> Path:
    return out / "parts" / f"part-{part:06d}.json"


def _is_whole(out: Path, part: int) -> bool:
    note = _note(out, part)
    if not note.is_file():
        return False
    try:
        files = read_json(note)["files"].items()
    except (InputError, KeyError, TypeError, AttributeError):
        return False  # a damaged note: its part is written again
    return all((out / path).is_file() and sha256(out / path) == digest for path, digest in files)


@dataclass(frozen=True)
class _Made:
    """One sample or page, as a process hands it over.

    Args:
        index: Which.
        tally: Its leads.
        members: What its shard is to hold of it: names and contents.
        files: What is in place already: paths below the set's folder and their SHA-256.
    """

    index: int
    tally: Tally
    members: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def _counted(made: Iterator[_Made], bar: "tqdm[Any]") -> Iterator[_Made]:
    for each in made:
        bar.update()
        yield each


def _write_part(out: Path, plan: SetPlan, part: int, made: Iterator[_Made]) -> None:
    """Writes one part's shard, if its format has any, then its note."""
    tally, files = Tally(), dict[str, str]()

    def members() -> Iterator[tuple[int, dict[str, bytes]]]:
        for each in islice(made, len(plan.indices(part))):
            tally.leads.extend(each.tally.leads)
            tally.contacts.extend(each.tally.contacts)
            files.update(each.files)
            yield each.index, each.members

    if plan.format in _IN_SHARDS:
        files[shard_name(part)] = write_tar(members(), out / shard_name(part))
    else:
        deque(members(), maxlen=0)
    note = {"n": len(plan.indices(part)), "files": files, **asdict(tally)}
    write_whole(_note(out, part), json_bytes(note))


def _sample(generator: Generator, plan: SetPlan, index: int) -> tuple[LeadSample, Tally]:
    sample = generator.sample(index, seed=plan.seed, split=plan.split)
    tally = Tally()
    tally.add(sample)
    return sample, tally


def _page(generator: Generator, plan: SetPlan, index: int) -> tuple[Page, Tally]:
    page = generator.page(index, seed=plan.seed, split=plan.split)
    leads = [trace.lead_name.removeprefix("-") for trace in page.traces]
    masks = [trace.mask for trace in page.traces if trace.mask is not None]
    known = len(masks) == len(page.traces)
    return page, Tally(leads, [*page_contacts(masks)] if known else [None] * len(leads))


def _in_shard(generator: Generator, out: Path, plan: SetPlan, index: int) -> _Made:
    sample, tally = _sample(generator, plan, index)
    return _Made(index, tally, members=shards.members(sample))


def _crop(generator: Generator, out: Path, plan: SetPlan, index: int) -> _Made:
    sample, tally = _sample(generator, plan, index)
    return _Made(index, tally, files=write_lead_crop(sample, out, crop_name(sample, index)))


def _kit_page(generator: Generator, out: Path, plan: SetPlan, index: int) -> _Made:
    page, tally = _page(generator, plan, index)
    return _Made(index, tally, files=write_page(page, out, f"{index:05d}"))


def _page_in_shard(generator: Generator, out: Path, plan: SetPlan, index: int) -> _Made:
    page, tally = _page(generator, plan, index)
    return _Made(index, tally, members=page_shards.members(page))


_MAKERS: dict[str, Callable[[Generator, Path, SetPlan, int], _Made]] = {
    "shards": _in_shard,
    "lead_crops": _crop,
    "ecg_image_kit": _kit_page,
    "pages": _page_in_shard,
}
_IN_SHARDS = ("shards", "pages")


def _finish(generator: Generator, out: Path, plan: SetPlan, *, command: str) -> int:
    """Writes the data card and the manifest, if every part is in place."""
    if missing := sum(not _note(out, part).is_file() for part in range(plan.parts)):
        return missing
    notes = [read_json(_note(out, part)) for part in range(plan.parts)]
    manifest = asdict(plan) | {
        "parts": [{"n": note["n"], "files": note["files"]} for note in notes],
        "leads": dict(Counter(lead for note in notes for lead in note["leads"])),
        "severity": severity_counts([c for note in notes for c in note["contacts"]]),
    }
    content = json_bytes(manifest, indent=1)
    stored = out / MANIFEST
    if not stored.is_file() or stored.read_bytes() != content:
        card = data_card(manifest, command=command, out=out.as_posix())
        write_whole(out / PICTURE, png_bytes(sample_sheet(_shown(generator, plan))))
        write_whole(out / CARD, card.encode())
        write_whole(stored, content)
        _sweep(out)
    return 0


def _sweep(out: Path) -> None:
    """Removes what killed jobs left half-written; every file of a part is there by now."""
    for path in out.rglob(f"*{PART_SUFFIX}"):
        # Another job may be writing these very files at this moment.
        if not path.name.startswith((MANIFEST, PICTURE, CARD)):
            path.unlink(missing_ok=True)


def _shown(generator: Generator, plan: SetPlan) -> list[LeadSample]:
    """The first samples, for the picture; a page shows its leads."""
    if plan.format in ("ecg_image_kit", "pages"):
        return lead_samples(generator.page(0, seed=plan.seed, split=plan.split))[:_SHOWN]
    indices = range(min(_SHOWN, plan.n))
    return [generator.sample(i, seed=plan.seed, split=plan.split) for i in indices]
