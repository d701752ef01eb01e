"""What an unfinished evaluation leaves behind, so that the next run goes on where it stopped."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

import data_gen
import ecg_overlap
from data_gen.errors import InputError
from ecg_overlap.evaluation.methods import Method
from ecg_overlap.evaluation.page_sets import AnySet
from ecg_overlap.evaluation.results import write_table, write_text

FOLDER = "partial"


class Partial:
    """Chunk files under `out/partial`, kept only while methods, sets and code are the same.

    Args:
        out: Folder of the evaluation.
        fingerprint: As `fingerprint` makes it.

    Raises:
        InputError: The folder cannot be written.
    """

    def __init__(self, out: Path, fingerprint: str) -> None:
        self.folder = out / FOLDER
        stamp = self.folder / "fingerprint.json"
        try:
            if self.folder.is_dir() and not (
                stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint
            ):
                shutil.rmtree(self.folder)
        except OSError as error:
            raise InputError(
                self.folder, f"cannot be read ({error.strerror})", "choose another out=DIR"
            ) from error
        write_text(stamp, fingerprint)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def done(self, name: str) -> bool:
        return self.path(name).is_file()

    def rows(self) -> pd.DataFrame:
        """All rows of all chunks, in no order that means anything."""
        parts = [pd.read_parquet(path) for path in sorted(self.folder.glob("*.parquet"))]
        parts = [part for part in parts if not part.empty]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def write_chunk(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the rows of one chunk whole or not at all."""
    write_table(pd.DataFrame(rows), path)


def fingerprint(methods: list[Method], test_sets: list[AnySet], **settings: Any) -> str:
    """A text that differs where rows of an earlier run would no longer be the same."""
    facts = {
        "methods": [[m.name, m.params, _weights(m.checkpoint)] for m in methods],
        "test_sets": [[t.name, t.kind, t.identity()] for t in test_sets],
        "settings": settings,
        "code": code_sha256(),
    }
    return json.dumps(facts, indent=1)


def _weights(checkpoint: str | None) -> str | None:
    path = Path(checkpoint) if checkpoint else None
    if path is None or not path.is_file():
        return checkpoint
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_sha256() -> str:
    """Hash of sources and weights that a row depends on; a working tree has no other version."""
    digest = hashlib.sha256()
    for package in (data_gen, ecg_overlap):
        for root in package.__path__:
            files = [path for kind in ("*.py", "*.onnx") for path in Path(root).rglob(kind)]
            for path in sorted(files):
                digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
