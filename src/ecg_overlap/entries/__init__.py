"""What is run with a configuration: `ecg-overlap train`, or `python train.py` from a clone.

Nothing that the extra `train` brings is imported here: an install may be without it, and worker
processes, which import a script anew, need none of it.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from data_gen.errors import InputError
from data_gen.extras import needs_extra

ENTRIES = {
    "train": "train a model, then test it",
    "eval": "score methods on test sets, and report",
    "generate": "write a frozen data set",
    "sweep": "search for settings",
}


def launch(name: str, arguments: Sequence[str] | None = None) -> None:
    """Run an entry.

    Args:
        name: Of `ENTRIES`.
        arguments: Overrides and Hydra's own options; None: the process's.
    """
    if arguments is not None:
        # As if that file had been run: by its path DDP starts the further processes of a run, and
        # not by the module that `python -m` has named.
        sys.argv = [str(Path(__file__).with_name(f"{name}.py")), *arguments]
        sys.modules["__main__"].__spec__ = None
    try:
        with needs_extra("sweep" if name == "sweep" else "train", f"ecg-overlap {name}"):
            main = import_module(f"ecg_overlap.entries.{name}").main
            entry = import_module("ecg_overlap.entry")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    entry.main(main)
