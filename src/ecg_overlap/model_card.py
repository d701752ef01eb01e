"""The page beside exported weights: what they are, what they saw, how good, how far to trust."""

import json
from pathlib import Path
from typing import Any

import torch
import yaml

from ecg_overlap.models import SegmentationModel
from ecg_overlap.network import shown

LICENCES = {
    "ptbxl.Ptbxl": "PTB-XL, CC BY 4.0: name it (Wagner et al. 2020, doi:10.1038/s41597-020-0495-6)",
    "wfdb_folder.Wfdb": "a folder of the user's own: its owner's terms hold",
    "simulate.Simulate": "simulated, no terms",
}
_GROUPS = ("signals", "page", "overlap", "crop", "data", "aug", "loss", "optimizer")


def model_card(checkpoint: Path, name: str, model: SegmentationModel, difference: float) -> str:
    """Markdown for the weights in `name`.

    Args:
        checkpoint: Where they come from; its run's config.yaml and results.json are read.
        name: File that the card stands beside.
        model: The network.
        difference: Largest difference of the exported outputs.
    """
    config = _config(checkpoint)
    parts = [
        f"# {name}",
        "A network of ecg-overlap: a picture of one ECG lead in, amodal masks out, the "
        "primary trace's and its intruders'.",
        _network(model, checkpoint, difference),
        _training(config, checkpoint),
        _scores(checkpoint),
        _licence(config),
        "## Limits\n\n"
        "For research; no medical device, not for diagnosis or treatment. Made for upright "
        "pictures of single leads on paper with a grid; what it was trained on stands above, and "
        "nothing is known of it elsewhere. Its map tells which ink is the primary's; amplitudes "
        "come from the digitizer around it.",
    ]
    return "\n\n".join(parts) + "\n"


def _network(model: SegmentationModel, checkpoint: Path, difference: float) -> str:
    spec, seen = model.spec, model.input_spec
    scale = (
        f"squashed to {seen.size_px[0]} × {seen.size_px[1]} px"
        if seen.size_px
        else f"{seen.px_per_mm:g} px/mm, whole height, any width"
    )
    rows = {
        "network": f"{spec['architecture']}, encoder {spec['encoder']}, fold {spec['fold']}",
        "input": f"planes float32 (B, 6, H, W), H and W multiples of {seen.multiple}: three "
        "colours as darkness, inside the crop, height in the crop, row prompt; it looks at the "
        f"first {spec['planes']}",
        "scale": scale,
        "output": ", ".join(f"{name}: logits {shape}" for name, shape in model.answers.items()),
        "parameters": f"{sum(p.numel() for p in model.parameters()):,}",
        "checkpoint": shown(checkpoint),
        "largest difference to it": f"{difference:.1e} on random pictures (1e-4 allowed)",
    }
    return "## Network\n\n| | |\n| --- | --- |\n" + "\n".join(
        f"| {name} | {text} |" for name, text in rows.items()
    )


def _config(checkpoint: Path) -> dict[str, Any]:
    """The configuration of the run that left the checkpoint; empty where it is not beside it."""
    file = checkpoint.parent.parent / "config.yaml"
    return dict(yaml.safe_load(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _training(config: dict[str, Any], checkpoint: Path) -> str:
    if not config:
        return "## Training\n\nNo config.yaml was found beside the checkpoint: not known."
    budget = "not known"
    if checkpoint.suffix == ".ckpt":
        step = torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"]
        data, trainer = config["data"], config["trainer"]
        per_step = data["batch_size"] * trainer.get("accumulate_grad_batches", 1)
        budget = f"{step} steps of {per_step} samples per process, seed {config['seed']}"
    kept = {group: _named(config[group]) for group in _GROUPS if config.get(group)}
    described = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
    return (
        f"## Training\n\n{budget}, from {config['signals']['_target_']}.\n\n"
        f"<details><summary>All that was drawn from</summary>\n\n```yaml\n{described}```\n\n"
        "</details>"
    )


def _named(options: dict[str, Any]) -> dict[str, Any]:
    """Folders by their names alone: a card travels, a machine's paths need not."""
    return {
        name: Path(value).name if value and name in ("root", "val_root") else value
        for name, value in options.items()
    }


def _scores(checkpoint: Path) -> str:
    file = checkpoint.parent.parent / "results.json"
    if not file.is_file():
        return "## Scores\n\nNo results.json was found beside the checkpoint."
    results = json.loads(file.read_text(encoding="utf-8"))
    wanted = {"iou", "mse_mv2", "pearson_r", "snr_db", "failure_rate"}
    lines = [
        f"| {s['test_set']} | {s['method']} | {s['metric']} | {s['n']} "
        f"| {s['mean']:.4g} | {s['median']:.4g} |"
        for s in results["scores"]
        if s["subset"] == "all"
        and s["metric"] in wanted
        and s["alignment"] in ("none", "aligned")
        and results["methods"][s["method"]]["kind"] == "model"
    ]
    table = "| test | method | metric | leads | mean | median |\n" + "| --- " * 6 + "|\n"
    return f"## Scores\n\n`{results['command']}`\n\n{table}" + "\n".join(lines)


def _licence(config: dict[str, Any]) -> str:
    target = str(config.get("signals", {}).get("_target_", ""))
    terms = next((t for end, t in LICENCES.items() if target.endswith(end)), "not recorded here")
    return (
        "## Licence\n\nThe code is Apache-2.0. The weights carry what the training signals ask "
        f"for: {terms}. Training started from scratch, unless the configuration above names "
        "encoder weights, whose terms then hold too."
    )
