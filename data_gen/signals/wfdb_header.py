"""A WFDB header (header(5)) at a glance, read leniently where its meaning is plain.

wfdb's own parser takes 2–6 ms a header, too long to check 20,000 of them at start, drops non-ASCII
letters, so that it reads µV as V, and refuses a slash in a record's name and a year as its time.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

MOST_BYTES = 2**20  # of a header: one of 10,000 segments has 0.2 MB
_MV_PER_UNIT = {"nv": 1e-6, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "mv": 1.0, "v": 1e3}
_GAIN = re.compile(r"^[-+.\deE]+(?:\([-\d]+\))?(?:/(?P<units>\S+))?$")
_SEGMENTS = re.compile(r".+/(\d+)")
_FORMAT = re.compile(r"(?P<code>\d+)(?:x(?P<per_frame>\d+))?(?::\d+)?(?:\+(?P<offset>\d+))?")
# Bytes of a sample; compressed formats (508, 516, 524) have no such number.
_SAMPLE_BYTES = {
    **{"80": 1.0, "16": 2.0, "61": 2.0, "160": 2.0, "24": 3.0, "32": 4.0},
    **{"212": 1.5, "310": 4 / 3, "311": 4 / 3},
}
# What wfdb's parser takes for a name, a time and a date.
_PLAIN = (r"[-\w]+", r"\d+", r"[\d.]+\S*", r"\d+", r"\d+:\d+(:\d+(\.\d+)?)?", r"\d+/\d+/\d+")
PLAIN_NAME = "record"
NO_FILE = "~"  # header(5)'s name for a signal, or a segment, of nothing


class BadRecordError(Exception):
    """A record that cannot be used, and why; the source that reads it counts and skips it."""


@dataclass(frozen=True)
class Header:
    """What must be known of a record before its samples are read.

    Args:
        fs_hz: Sampling frequency.
        n_samples: Samples per lead; None where neither header nor file tells.
        lead_names: As the header spells them.
        mv_per_unit: Factor to mV of each lead's unit.
        gains: Of each lead, as the header spells it.
        files: Names of the signal files.
        segments: Names of the records in its folder that it is made of; none where it is whole.
        plain: The header in a form that wfdb reads; None: it reads the header as it is.
    """

    fs_hz: float
    n_samples: int | None
    lead_names: tuple[str, ...]
    mv_per_unit: tuple[float, ...]
    gains: tuple[str, ...]
    files: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    plain: str | None = None


def read_header(path: Path, *, in_record: bool = False) -> Header:
    """Parse a .hea file.

    Args:
        path: The file.
        in_record: Whether it is a segment of another record.

    Raises:
        BadRecordError: Not readable, damaged, a signal file is missing, or a unit is unknown.
    """
    lines = _lines(path)
    try:
        record, rest = lines[0], lines[1:]
        segments = _SEGMENTS.fullmatch(record[0])
        n_leads = int(record[1])
        fs_hz = float(re.split(r"[/(]", record[2])[0]) if len(record) > 2 else 250.0
        n_samples = int(record[3]) if len(record) > 3 and int(record[3]) > 0 else None
    except (IndexError, ValueError):
        raise BadRecordError("the header's first line is damaged") from None
    if not (math.isfinite(fs_hz) and fs_hz > 0):
        raise BadRecordError(f"the header says {fs_hz:g} Hz")
    if segments:
        if in_record:
            raise BadRecordError("a segment that has segments")
        return _of_segments(path, rest[: int(segments[1])], fs_hz)
    if len(rest) < n_leads or n_leads < 1:
        raise BadRecordError(f"the header promises {n_leads} leads and describes {len(rest)}")
    signals = rest[:n_leads]
    files = tuple(dict.fromkeys(line[0] for line in signals if line[0] != NO_FILE or not in_record))
    for name in files:
        if Path(name).name != name or not (path.parent / name).is_file():
            raise BadRecordError(f"its signal file {name} is missing")
    if n_samples is None:
        n_samples = _samples_in(path.parent, signals)
    return Header(
        fs_hz,
        n_samples,
        tuple(" ".join(line[8:]) for line in signals),
        tuple(_mv_per_unit(line) for line in signals),
        tuple(line[2] if len(line) > 2 else "" for line in signals),
        files,
        plain=None
        if len(record) > 3 and _is_plain(record)
        else _as_plain(fs_hz, n_samples, signals),
    )


def _lines(path: Path) -> list[list[str]]:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadRecordError(f"the header cannot be read ({error.strerror})") from None
    if len(raw) > MOST_BYTES:
        raise BadRecordError("the header is larger than any")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]


def _is_plain(record: Sequence[str]) -> bool:
    pairs = zip(record, _PLAIN, strict=False)
    return all(re.fullmatch(form, text, re.ASCII) for text, form in pairs)


def _as_plain(fs_hz: float, n_samples: int | None, signals: Sequence[Sequence[str]]) -> str:
    """The same record named `PLAIN_NAME`, without the time and date that nobody here needs."""
    length = "" if n_samples is None else f" {n_samples}"
    lines = [f"{PLAIN_NAME} {len(signals)} {fs_hz!r}{length}", *map(" ".join, signals)]
    return "\n".join(lines) + "\n"


def _samples_in(folder: Path, signals: Sequence[Sequence[str]]) -> int | None:
    """How many samples of each lead the first signal's file holds; None: it does not tell."""
    name, frame_bytes, offset = signals[0][0], 0.0, 0
    for line in signals:
        form = _FORMAT.fullmatch(line[1]) if len(line) > 1 else None
        if form is None or form["code"] not in _SAMPLE_BYTES:
            return None
        if line[0] == name:
            frame_bytes += _SAMPLE_BYTES[form["code"]] * int(form["per_frame"] or 1)
            offset = max(offset, int(form["offset"] or 0))
    try:
        size = (folder / name).stat().st_size
    except OSError:
        return None
    return max(int((size - offset) / frame_bytes), 0) or None if frame_bytes else None


def _of_segments(path: Path, lines: Sequence[Sequence[str]], fs_hz: float) -> Header:
    """The record that segments make up, one after the other.

    The first is a whole one, or (of no samples) the layout of all. wfdb converts each segment by
    its own header and joins them, but takes the units of one: they must be the same.
    """
    try:
        named = [(line[0], int(line[1])) for line in lines]
    except (IndexError, ValueError):
        raise BadRecordError("the header's list of segments is damaged") from None
    whole: Header | None = None
    for name, _ in named:
        if name == NO_FILE:
            continue
        if Path(name).name != name:
            raise BadRecordError(f"its segment {name} is in another folder")
        part = read_header(path.with_name(f"{name}.hea"), in_record=True)
        whole = whole or part
        units = dict(zip(whole.lead_names, whole.mv_per_unit, strict=True))
        differ = part.fs_hz != fs_hz or any(
            units.get(lead, unit) != unit
            for lead, unit in zip(part.lead_names, part.mv_per_unit, strict=True)
        )
        if differ or part.plain is not None:
            raise BadRecordError(f"its segment {name} is of another form")
    if whole is None:
        raise BadRecordError("a record of no segments")
    n_samples = sum(length for _, length in named)
    names = tuple(dict.fromkeys(name for name, _ in named if name != NO_FILE))
    return replace(whole, fs_hz=fs_hz, n_samples=n_samples or None, segments=names, plain=None)


def _mv_per_unit(signal_line: Sequence[str]) -> float:
    if len(signal_line) < 3:
        return 1.0  # header(5): without a gain the unit is mV
    gain = _GAIN.match(signal_line[2])
    if gain is None:
        raise BadRecordError(f"the gain {signal_line[2]!r} is damaged")
    units = gain["units"] or "mV"
    if units.lower() not in _MV_PER_UNIT:
        raise BadRecordError(f"the unit {units!r} is no voltage")
    return _MV_PER_UNIT[units.lower()]
