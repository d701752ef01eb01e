"""Runs a user's own checkout of ecg-image-kit, and takes its pages as a source of samples."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_gen.errors import InputError
from data_gen.formats.ecg_image_kit import EcgImageKit
from data_gen.formats.files import json_bytes, read_json, write_whole
from data_gen.sample import LeadSample, Page
from data_gen.signals import SignalSource

SCRIPT = "gen_ecg_images_from_data_batch.py"
_DONE = "drawn.json"


@dataclass(frozen=True)
class KitPages:
    """The pages that a run of the kit wrote, numbered as `data_gen.write_set` asks for them.

    They are what they are: seed and split were used when they were drawn.
    """

    kit: EcgImageKit

    def sample(self, index: int, *, seed: int = 0, split: str = "train") -> LeadSample:
        return self.kit[index]

    def page(self, index: int, *, seed: int = 0, split: str = "train") -> Page:
        return self.kit.page(index)


def draw_with_kit(
    signals: SignalSource,
    *,
    kit: str | None,
    python: str | None,
    out: str,
    n: int,
    format: str = "shards",
    seed: int = 0,
    split: str = "train",
    options: Sequence[str] = (),
) -> KitPages:
    """Draws records, has the kit draw their pages, and reads what it wrote.

    Pages that an earlier call with the same arguments left in `out` are not drawn again, so
    that a set can be resumed; the kit itself does not repeat its draws.

    Args:
        signals: Where the records come from.
        kit: Folder of the checkout.
        python: The interpreter of the environment in which the kit runs.
        out: Folder for the records and for what the kit writes.
        n: Samples wanted; pages, if `format` is "ecg_image_kit". A page has 12 leads or more.
        format: Of the set to be written.
        seed: Of the records, and handed to the kit.
        split: Whose records are drawn.
        options: Further options of the kit's script, as on its command line.

    Raises:
        InputError: The kit is not to be found, fails, or writes too little.
    """
    if kit is None or python is None:
        raise InputError(
            "source=ecg_image_kit",
            "needs the kit and its interpreter",
            "give kit=CHECKOUT kit_python=PYTHON",
        )
    script, pages = _script(Path(kit)), n if format == "ecg_image_kit" else -(-n // 12)
    root = Path(out).absolute()
    asked = [pages, seed, split, repr(signals), *options]
    if not (root / _DONE).is_file() or read_json(root / _DONE) != asked:
        write_records(signals, root / "records", n=pages, seed=seed, split=split)
        _run(script, python, root, ["-se", str(seed), *options])
        write_whole(root / _DONE, json_bytes(asked))
    drawn = EcgImageKit(root / "pages")
    count = len(drawn.pages) if format == "ecg_image_kit" else len(drawn)
    if count < n:
        raise InputError(script, f"drew {count} of {n} wanted", f"give n={count} or other signals")
    return KitPages(drawn)


def _script(kit: Path) -> Path:
    found = [kit] if kit.name == SCRIPT else sorted(kit.rglob(SCRIPT))
    if not found or not found[0].is_file():
        raise InputError(kit, f"holds no {SCRIPT}", "give the folder of an ecg-image-kit checkout")
    return found[0].absolute()


def write_records(
    signals: SignalSource, root: Path, *, n: int, seed: int = 0, split: str = "train"
) -> None:
    """Writes n drawn records as WFDB, 12 leads, 1 µV."""
    import wfdb  # 1 s to import: only where it is used

    root.mkdir(parents=True, exist_ok=True)
    for index in range(n):
        record = signals.draw(np.random.default_rng([seed, index]), split=split)
        leads = len(record.lead_names)
        wfdb.wrsamp(
            f"{index:05d}",
            fs=record.fs_hz,
            units=["mV"] * leads,
            sig_name=list(record.lead_names),
            p_signal=record.signal_mv.astype(np.float64),
            fmt=["16"] * leads,
            adc_gain=[1000.0] * leads,
            baseline=[0] * leads,
            write_dir=str(root),
        )


def _run(script: Path, python: str, root: Path, options: Sequence[str]) -> None:
    """Runs the kit's script with annotations on and cropping off (its annotations ignore it)."""
    annotated = ["--store_config", "2", "--lead_bbox", "--lead_name_bbox", "-c", "0"]
    folders = ["-i", str(root / "records"), "-o", str(root / "pages")]
    command = [python, str(script), *folders, *annotated, *options]
    try:
        done = subprocess.run(
            command, cwd=script.parent, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise InputError(
            python, f"cannot be run ({error.strerror})", "give kit_python= of the kit's environment"
        ) from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise InputError(
            script,
            f"ended with status {done.returncode}: {said}",
            f"make `{python} {script.name} --help` work in the kit's folder first",
        )
