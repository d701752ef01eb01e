"""The page beside exported weights: what they are, what they saw, how good, how far to trust.

What is not known (no configuration, no results) is left out, not guessed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from omegaconf import OmegaConf

from data_gen.errors import InputError
from ecg_overlap.average import Part
from ecg_overlap.contract import output_shapes
from ecg_overlap.network import ModelNetwork, shown

PTBXL = (
    "PTB-XL 1.0.3, CC BY 4.0: P. Wagner, N. Strodthoff, R.-D. Bousseljot et al., *PTB-XL, a large "
    "publicly available electrocardiography dataset*, Sci Data 7, 154 (2020), "
    "doi:10.1038/s41597-020-0495-6. Its signals were drawn as pictures"
)
LUDB = (
    "LUDB 1.0.1, ODC-By 1.0: A. Kalyakulina et al., *LUDB: a new open-access validation tool for "
    "electrocardiogram delineation algorithms*, IEEE Access 8 (2020), "
    "doi:10.1109/ACCESS.2020.3029211"
)
SIMULATED = "simulated by the project's generator, no terms"
OWNED = "a folder of the user's own: its owner's terms hold"
_GROUPS = ("signals", "page", "overlap", "crop", "data", "aug", "loss", "optimizer")
# Metric and alignment (docs/metrics.md), which of its numbers, and how it is written.
_COLUMNS = {
    "IoU": ("iou", "none", "mean", "{:.3f}"),
    "MSE, mV²: mean": ("mse_mv2", "aligned", "mean", "{:.5f}"),
    "ρ": ("pearson_r", "aligned", "mean", "{:.4f}"),
    "SNR, dB: median": ("snr_db", "aligned", "median", "{:.1f}"),
    "failed": ("failure_rate", "none", "mean", "{:.1%}"),
}


# Scores by test set, subset, method, metric and alignment.
Table = dict[tuple[str, str, str, str, str], dict[str, Any]]


@dataclass(frozen=True)
class _Words:
    """What a card says of every network of a kind."""

    what: str
    use: str
    limits: str


_OF_TRACES = _Words(
    "A network of ecg-overlap: a picture of one ECG lead in, amodal masks out, the primary "
    "trace's and its intruders', so that a lead can be read where others run through it.",
    "It finds no leads on a page and reads no diagnosis from them; its map tells which ink is the "
    "primary's, and amplitudes come from the digitizer around it, which `ecg-overlap digitize` "
    "runs.",
    "Made for upright pictures of single leads on paper with a grid; what it was trained on "
    "stands above, and nothing is known of it elsewhere. It can follow the wrong trace where "
    "leads cross, with a high confidence: look at the overlay. Where the row of 0 mV is "
    "known, `--row` (`row_px`) tells it which trace is meant.",
)
_OF_INK = _Words(
    "A network of ecg-overlap: a crop or a whole page of an ECG in, three masks out: the ink of "
    "all traces, the printed grid, and other marks (letters, separators, calibration pulses, "
    "notes by hand).",
    "It does not tell one trace from another and reads no diagnosis from them; its map tells what "
    "is a trace's ink, and amplitudes come from the digitizer around it, which `ecg-overlap page` "
    "runs, and `ecg-overlap digitize --method ink+stroke`.",
    "Made for pictures on paper with a grid, brought to its scale; what it was trained on stands "
    "above, and nothing is known of it elsewhere. It judges each place by what is near: a pen's "
    "line that looks like a trace is taken for one.",
)


@dataclass(frozen=True)
class Described:
    """The file that the card stands beside.

    Args:
        name: Of the file.
        sha256: Of its content, in hex.
        size: In bytes.
        method: What the network is best read by.
        difference: Largest difference of its outputs from the checkpoint's.
    """

    name: str
    sha256: str
    size: int
    method: str
    difference: float


def model_card(
    parts: Sequence[Part],
    network: ModelNetwork,
    file: Described,
    results: Sequence[Path] = (),
    trained_by: str | None = None,
) -> str:
    """Markdown for exported weights.

    Args:
        parts: The checkpoints they are the average of, mostly one; the config.yaml of each one's
            run is read.
        network: The average.
        file: The exported weights.
        results: `results.json` files; without any, the run's own if there is one.
        trained_by: The command that trained it, where known.

    Raises:
        InputError: Results that cannot be read, or that score other weights.
    """
    configs = [_config(part.checkpoint) for part in parts]
    own = _run(parts[0].checkpoint) / "results.json"
    given = list(results) or ([own] if len(parts) == 1 and own.is_file() else [])
    words = _OF_INK if network.info.has_ink else _OF_TRACES
    sections = [
        f"# {file.name}",
        words.what,
        "## What it is for, and what not\n\n"
        "Research on the digitization of ECG paper records. **No medical device**: not for "
        f"diagnosis, monitoring or treatment. {words.use}",
        _network(network, parts, file),
        "## Training",
        *([f"```sh\n{trained_by}\n```"] if trained_by else []),
        *(
            _training(c, part, alone=len(parts) == 1)
            for c, part in zip(configs, parts, strict=True)
        ),
        *(_scores(path, network, file) for path in given),
        _licence(configs, given),
        f"## Limits\n\n{words.limits}",
    ]
    return "\n\n".join(sections) + "\n"


def _run(checkpoint: Path) -> Path:
    """The folder of the run that a checkpoint is of."""
    return checkpoint.parent.parent


def _config(checkpoint: Path) -> dict[str, Any]:
    """What the run was composed of; empty where that is not known.

    Where the data lay is an interpolation in the groups that the card tells of; others hold what
    only a running job can resolve.
    """
    file = _run(checkpoint) / "config.yaml"
    if not file.is_file():
        return {}
    config = OmegaConf.create(yaml.safe_load(file.read_text("utf-8")) or {})
    plain: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment]
    resolved = {g: OmegaConf.to_container(config[g], resolve=True) for g in _GROUPS if plain.get(g)}
    return plain | resolved


def _origin(part: Part) -> str:
    """A checkpoint's file and digest."""
    return f"{shown(part.checkpoint)} (SHA-256 `{part.network.info.sha256}`)"


def _network(network: ModelNetwork, parts: Sequence[Part], file: Described) -> str:
    model, seen = network.model, network.model.input_spec
    made_of = ", ".join(f"{name} {value}" for name, value in model.spec.items())
    scale = (
        f"squashed to {seen.size_px[0]} × {seen.size_px[1]} px"
        if seen.size_px
        else f"{seen.px_per_mm:g} px/mm, whole height, any width"
    )
    rows = {
        "network": f"{network.info.name}: {type(model).__name__}, {made_of}",
        "best read by": f"`{file.method}`",
        "input": f"float32 (B, 6, H, W), H and W multiples of {seen.multiple}; the channels: three "
        "colours as darkness, inside the crop, height in the crop, row prompt",
        "scale": scale,
        "output": ", ".join(
            f"{name}: logits {shape}" for name, shape in output_shapes(model).items()
        ),
        "parameters": f"{network.info.params:,}",
        "size": f"{file.size / 1e6:.1f} MB, float32",
        "SHA-256": f"`{file.sha256}`",
        "checkpoint": _origin(parts[0])
        if len(parts) == 1
        else "the average of " + ", ".join(f"{p.share:.0%} {_origin(p)}" for p in parts),
        "largest difference to it": f"{file.difference:.1e} on random pictures (1e-4 allowed)",
    }
    return "## Network\n\n| | |\n| --- | --- |\n" + "\n".join(
        f"| {name} | {text} |" for name, text in rows.items()
    )


def _training(config: dict[str, Any], part: Part, *, alone: bool) -> str:
    """What one part of the average saw."""
    checkpoint = part.checkpoint
    lines = [] if alone else [f"### {shown(checkpoint)}"]
    if not config:
        return "\n\n".join([*lines, "No config.yaml was found beside the checkpoint: not known."])
    if checkpoint.suffix == ".ckpt":
        step = torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"]
        data, trainer = config["data"], config["trainer"]
        per_step = data["batch_size"] * trainer.get("accumulate_grad_batches", 1)
        lines.append(
            f"{step} steps of {per_step} samples per process, seed {config['seed']}: "
            f"{step * per_step:,} samples in each; {_start(config)}."
        )
    kept = {group: _named(config[group]) for group in _GROUPS if config.get(group)}
    described = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, default_flow_style=None)
    shares = [
        f"{share:.0%} {name} (`{node['_target_']}`)"
        for name, (node, share) in _sources(config).items()
    ]
    lines.append(f"Drawn from: {', '.join(shares)}.")
    unknown = [
        name
        for name, (node, _) in _sources(config).items()
        if _terms(node) == PTBXL and _kind(node) != "Ptbxl"
    ]
    if unknown:
        lines.append(
            f"The patients of {', '.join(unknown)} are not known: a test set of PTB-XL may hold "
            "some of them, one of another hospital does not."
        )
    lines.append(
        f"<details><summary>All that was drawn from</summary>\n\n```yaml\n{described}```\n\n"
        "</details>"
    )
    return "\n\n".join(lines)


def _start(config: dict[str, Any]) -> str:
    """Which weights training started from."""
    if weights := config.get("weights"):
        return f"all weights started from `{Path(weights).name}`"
    return f"encoder: {config.get('model', {}).get('encoder_weights') or 'from scratch'}"


def _sources(config: dict[str, Any]) -> dict[str, tuple[dict[str, Any], float]]:
    """Each source of signals by its name in the mixture, with its share of the samples."""
    signals = config.get("signals") or {}
    if "weights" not in signals:
        return {"signals": (signals, 1.0)} if signals else {}
    total = sum(signals["weights"].values())
    return {
        name: (signals[name], weight / total)
        for name, weight in signals["weights"].items()
        if weight
    }


def _named(options: Any) -> Any:
    """The options with folders by their names alone, without the paths of this machine."""
    if not isinstance(options, dict):
        return options
    return {
        name: Path(value).name if value and name in ("root", "val_root") else _named(value)
        for name, value in options.items()
    }


def _scores(path: Path, network: ModelNetwork, file: Described) -> str:
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        methods, scores = results["methods"], results["scores"]
        origin = f"`{results['command']}`, commit `{results['git'] or 'not known'}`"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            path, f"no results ({type(error).__name__})", "give a results.json of eval.py"
        ) from error
    shown_methods = [name for name, m in methods.items() if m["kind"] in ("model", "baseline")]
    for name in shown_methods:
        _require_same(path, name, methods[name], network, file)
    table: Table = {
        (s["test_set"], s["subset"], s["method"], s["metric"], s["alignment"]): s for s in scores
    }
    lines = [
        _line(table, test_set, subset, method)
        for test_set in results["test_sets"]
        for subset in ("all", "overlap")
        for method in shown_methods
        if (test_set, subset, method, "failure_rate", "none") in table
    ]
    head = ["test", "part", "method", "leads", *_COLUMNS]
    return (
        f"## Scores\n\n{origin}. Signals after alignment (`aligned`), IoU per picture; `overlap` "
        "are the leads that others run into; methods without a network for comparison.\n\n"
        f"| {' | '.join(head)} |\n{'| --- ' * len(head)}|\n" + "\n".join(lines)
    )


def _require_same(
    path: Path, name: str, method: dict[str, Any], network: ModelNetwork, file: Described
) -> None:
    """Refuse scores of other weights, as far as the results say whose they are."""
    info = network.info
    params, sha256 = method.get("params"), method.get("weights_sha256")
    if params not in (None, info.params) or sha256 not in (None, info.sha256, file.sha256):
        raise InputError(
            path, f"{name} was scored with other weights", "evaluate these: ecg-overlap eval ckpt=…"
        )


def _line(table: Table, test_set: str, subset: str, method: str) -> str:
    cells = [test_set, subset, f"`{method}`"]
    cells.append(str(table[test_set, subset, method, "failure_rate", "none"]["n"]))
    for metric, alignment, which, form in _COLUMNS.values():
        score = table.get((test_set, subset, method, metric, alignment))
        cells.append(form.format(score[which]) if score else "·")
    return f"| {' | '.join(cells)} |"


def _licence(configs: Sequence[dict[str, Any]], results: Sequence[Path]) -> str:
    sources = [node for config in configs for node, _ in _sources(config).values()]
    terms = list(dict.fromkeys(_terms(node) for node in sources))
    tested = {name for path in results for name in json.loads(path.read_text("utf-8"))["test_sets"]}
    lines = []
    if terms and set(terms) <= {PTBXL, SIMULATED}:
        lines.append("Apache-2.0, as the code.")
    if terms:
        lines.append("Trained on, and to be named with the weights:")
        lines.append("\n".join(f"- {line}." for line in terms))
    else:
        lines.append("The terms of the training signals are not recorded here.")
    if any("ludb" in name for name in tested):
        lines.append(f"Only tested on: {LUDB}.")
    encoders = (config.get("model", {}).get("encoder_weights") for config in configs)
    lines += [
        f"The encoder started from the weights `{encoder}`, whose terms hold too."
        for encoder in sorted({name for name in encoders if name})
    ]
    return "## Licence\n\n" + "\n\n".join(lines)


def _kind(source: dict[str, Any]) -> str:
    return str(source["_target_"]).rpartition(".")[2]


def _terms(source: dict[str, Any]) -> str:
    """The terms of a source; PTB-XL's records in a plain folder are known by the folder's name."""
    kind = _kind(source)
    if kind == "Ptbxl" or Path(str(source.get("root", ""))).name.startswith("ptbxl"):
        return PTBXL
    known = {"Simulate": SIMULATED, "Wfdb": OWNED}
    return known.get(kind, f"`{source['_target_']}`, whose terms are not recorded here")
