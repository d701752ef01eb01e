"""Graphs of trained networks, opened by ONNX Runtime: no torch is loaded for them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.formats.files import check_digest
from ecg_overlap.digitize.silent_runtime import silent_runtime
from ecg_overlap.inputs import CHANNELS, InputSpec
from ecg_overlap.weights.facts import INPUT, METHOD, SPEC, WEIGHTS

WRITTEN_BY = "give a graph that `ecg-overlap export --to onnx` wrote"


class Graph:
    """What `ecg-overlap export --to onnx` wrote, ready to run.

    Args:
        file: The graph.
        weights: The .safetensors with its weights, where they are not in the graph itself.

    Attributes:
        file: As given.
        session: ONNX Runtime's.
        spec: What would make the network anew.
        input_spec: What pictures it takes.
        method: What it is best read by, where the file says so.
        sha256: Of the file with the weights.

    Raises:
        InputError: ONNX Runtime is not installed, a file is damaged, or the graph is none of this
            project's, or has its weights elsewhere.
    """

    def __init__(self, file: Path, *, weights: Path | None = None) -> None:
        self.file, self.sha256 = file, check_digest(file)
        arrays = {}
        if weights is not None:
            self.sha256, arrays = check_digest(weights), _arrays(weights)
        self.session = _session(file, arrays)
        facts = self.session.get_modelmeta().custom_metadata_map
        if facts.get(WEIGHTS, self.sha256) != self.sha256:
            beside = "another file" if weights is None else f"another file than {weights.name}"
            raise InputError(file, f"its weights are in {beside}", "export it anew")
        self.spec = _spec(facts, file)
        self.method = facts.get(METHOD)
        try:
            self.input_spec = _input_spec(facts, self.spec)
            planes = self.session.get_inputs()[0].shape[1]
            sound = 1 <= self.input_spec.multiple <= 1024 and planes == CHANNELS
        except (KeyError, TypeError, ValueError, IndexError, InputError):
            sound = False
        if not sound:
            raise InputError(file, "its facts are damaged", "export it anew")

    def run(self, channels: NDArray[np.float32], *names: str) -> dict[str, NDArray[np.float32]]:
        """Some of its outputs.

        Args:
            channels: float32 (B, 6, H, W), as `inputs.stack` makes them.
            names: Of the outputs.
        """
        wanted = silent_runtime().RunOptions()
        wanted.only_execute_path_to_fetches = True  # a mask alone needs no rows
        found = self.session.run(list(names), {"channels": channels}, wanted)
        return dict(zip(names, found, strict=True))

    def __reduce__(self) -> tuple[Any, ...]:
        # Otherwise it would fail at what in a session cannot be pickled, and not say what to do.
        raise TypeError("an ONNX Runtime session stays in its process: load the file again there")


def _session(file: Path, arrays: Mapping[str, NDArray[Any]]) -> Any:
    try:
        runtime = silent_runtime()
    except ImportError:
        raise InputError(file, "onnxruntime is not installed", "pip install onnxruntime") from None
    options = runtime.SessionOptions()
    options.intra_op_num_threads = _n_threads()
    value = runtime.OrtValue.ortvalue_from_numpy
    try:
        options.add_external_initializers(list(arrays), [value(a) for a in arrays.values()])
        return runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has a class of its own for every kind of damage
        raise InputError(
            file, f"is no graph that can be run ({type(error).__name__})", "export it anew"
        ) from error


def _n_threads() -> int:
    """As torch does: OMP_NUM_THREADS bounds the threads; without it, all cores (0).

    Of "4,2" the first counts: the others are of loops within loops.
    """
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() else 0


def _arrays(weights: Path) -> dict[str, NDArray[Any]]:
    """The weights by name, without the counters of batches, which are for training alone."""
    from safetensors.numpy import load_file

    try:
        arrays = load_file(weights)
    except Exception as error:  # a stranger's header provokes more than SafetensorError
        raise InputError(
            weights, f"not weights of ecg-overlap ({type(error).__name__})", "export it anew"
        ) from error
    return {name: a for name, a in arrays.items() if np.issubdtype(a.dtype, np.floating)}


def _spec(facts: Mapping[str, str], file: Path) -> dict[str, Any]:
    """The network's own spec, from the graph's facts."""
    try:
        return dict(json.loads(facts[SPEC]))
    except (KeyError, TypeError, ValueError, RecursionError):
        raise InputError(file, "holds none of ecg-overlap's networks", WRITTEN_BY) from None


def _input_spec(facts: Mapping[str, str], spec: Mapping[str, Any]) -> InputSpec:
    """What pictures the network takes."""
    if INPUT in facts:
        told = dict(json.loads(facts[INPUT]))  # JSON has lists where we have tuples
        plain: dict[str, Any] = {k: tuple(v) if type(v) is list else v for k, v in told.items()}
        return InputSpec(**plain)
    # Graphs of `model=ink` written before they said it, the package's among them: blocks of
    # 2 × 2 pixels enter, and each further level has half the resolution.
    multiple = 2 ** len(spec["channels"])
    return InputSpec(float(spec["px_per_mm"]), multiple=multiple, masks=("ink", "grid", "marks"))
