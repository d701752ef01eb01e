"""`eval.py`: which methods, on which test sets, into which folder, as the configuration says."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from omegaconf import DictConfig
from tqdm import tqdm

from data_gen import presets
from data_gen.generate import LeadGenerator
from data_gen.signals import SignalSource
from ecg_overlap import weights
from ecg_overlap.digitize.network import Both
from ecg_overlap.digitize.plans import METHODS, Needs
from ecg_overlap.evaluation.evaluate import evaluate
from ecg_overlap.evaluation.methods import Method, build_method
from ecg_overlap.evaluation.page_sets import AnySet, drawn_pages, pages
from ecg_overlap.evaluation.provenance import machine
from ecg_overlap.evaluation.report import render_report
from ecg_overlap.evaluation.results import Results
from ecg_overlap.evaluation.test_sets import GeneratorSet, crops, eik, shards
from ecg_overlap.evaluation.wording import results_table
from ecg_overlap.network import ModelNetwork, load_model
from ecg_overlap.onnx_network import OnnxNetwork, load_ink, load_onnx

Evaluated = ModelNetwork | OnnxNetwork | Both
# Leads and pages in a generated set where `n=` does not say; the fewer are for some 15 minutes of
# two cores, as are the methods: the networks' own, two baselines, one that the truth is given to.
N_FULL, N_PAGES_FULL = 50, 20
N_GENERATED, N_PAGES = 10, 5
BASELINES, ORACLE = ("fortune_fixed", "classical"), "stroke@mask@grid"
PAGES_ = "pages_"  # begins the name of a generated set of pages
LOOKS = {  # of generated leads, in words
    "clean": "clean prints, one lead a picture",
    "overlap": "clean prints in which leads overlap",
    "paper": "leads that overlap as in the published crops",
    "scan": "poor scans in which leads overlap",
    "photo": "photographs of prints in which leads overlap",
    "fax": "prints faxed or copied in black and white, in which leads overlap",
}


def run_evaluation(cfg: DictConfig) -> Results:
    """Evaluate, report, and print the table.

    Args:
        cfg: `conf/eval.yaml`, composed.

    Raises:
        InputError: An unknown method or set, a checkpoint or folder that cannot be used.
    """
    networks = networks_of(cfg.ckpt)
    methods = chosen_methods(cfg.methods, networks, full=cfg.full)
    out = Path(cfg.out)
    with_torch = [n for n in networks.values() if isinstance(n, ModelNetwork)]
    device = device_name(with_torch[0].device) if with_torch else machine()
    results = evaluate(
        methods,
        chosen_sets(cfg),
        out=out,
        jobs=cfg.jobs,
        seed=cfg.seed,
        full=cfg.full,
        command=command_line(),
        device=device,
    )
    page = render_report(out)
    print(results_table(results))
    print(f"report: {page}")
    return results


def chosen_methods(
    names: Sequence[str] | None, networks: Mapping[str, Evaluated], *, full: bool = True
) -> list[Method]:
    """The methods asked for; without names, all that the networks at hand allow.

    Without `full`, those that each network is best read by, beside two baselines and an oracle.

    Raises:
        InputError: An unknown name, or one whose network is not at hand.
    """
    if names is None and not full:
        best = {network.info.method for network in networks.values()}
        names = [*(m for m in METHODS if m in best), *BASELINES, ORACLE]
    if names is None:
        at_hand = {*networks, *(network.info.method for network in networks.values())}
        names = [m for m, plan in METHODS.items() if plan.network and at_hand & {m, plan.network}]
        names += [m for m, plan in METHODS.items() if plan.network is None]
        names += ["centroid@mask", "stroke@mask", "stroke@mask@grid"]
    return [build_method(name, networks) for name in names]


def networks_of(ckpt: str | Mapping[str, str] | None) -> dict[str, Evaluated]:
    """Networks by name.

    Args:
        ckpt: A path, `package` for the one that comes with it, or {method: either}; None: the
            newest run's best, else the package's, else none; says which. Beside a network that
            tells traces apart, the package's that sees ink is there too.

    Raises:
        InputError: A checkpoint that cannot be used.
    """
    if isinstance(ckpt, Mapping):
        return {str(name): _load(path) for name, path in ckpt.items()}
    chosen = ckpt or newest_checkpoint() or ("package" if weights.PACKAGED.is_file() else None)
    if chosen is None:
        tqdm.write("warning: no checkpoint given or found: classical methods and oracles only")
        return {}
    network = _load(chosen)
    found: dict[str, Evaluated] = {network.info.name: network}
    if not network.info.has_ink and has_ink():
        ink = load_ink()
        found[ink.info.name] = ink
        if network.info.name != Needs.OWN:
            both = Both(network, ink)
            found[both.info.name] = both
    for each in found.values():
        if not isinstance(each, Both):
            tqdm.write(f"network: {each.info.checkpoint}")
    return found


def has_ink() -> bool:
    """Whether the package has a network that sees ink."""
    return weights.PACKAGED_INK.is_file()


def _load(ckpt: str | Path) -> ModelNetwork | OnnxNetwork:
    if Path(ckpt).suffix == ".onnx":
        return load_onnx(ckpt)
    return load_model(None if str(ckpt) == "package" else ckpt)


def newest_checkpoint(runs: Path = Path("outputs/train"), name: str = "best.ckpt") -> Path | None:
    """The checkpoint of this name that was written last by any run but `debug=` ones, or None."""
    found = [path for path in runs.glob(f"*/checkpoints/{name}") if not _of_debug(path.parents[1])]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _of_debug(run: Path) -> bool:
    """Whether a run was one that only tries the machinery, by the overrides that Hydra keeps."""
    try:
        lines = (run / ".hydra" / "overrides.yaml").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(line.lstrip("- ").startswith(("debug=", "+debug=")) for line in lines)


def chosen_sets(cfg: DictConfig) -> list[AnySet]:
    """The folders that were named, and nothing else; without any, the generated sets.

    Raises:
        InputError: A folder that cannot be read, or an unknown preset.
    """
    readers: dict[str, Callable[..., AnySet]] = {
        "crops": crops,
        "shards": shards,
        "eik": eik,
        "pages": pages,
    }
    named = [read(cfg[kind], n=cfg.n) for kind, read in readers.items() if cfg[kind] is not None]
    if named:
        return named
    drawn = partial(generated_sets, cfg.sets, n=cfg.n, seed=cfg.seed, full=cfg.full)
    test_sets = drawn(signals=presets.make(cfg.signals))
    for source, node in cfg.held_back.items():
        if Path(node.root).is_dir():
            test_sets += drawn(signals=presets.make(node), source=str(source))
        else:
            tqdm.write(
                f"warning: held_back.{source}: no folder {node.root}, so its sets are left out; "
                f"give held_back.{source}.root=FOLDER, or ~held_back.{source} to do without"
            )
    return test_sets


def generated_sets(
    names: Sequence[str],
    *,
    signals: SignalSource,
    n: int | None,
    seed: int,
    source: str = "",
    full: bool = False,
) -> list[AnySet]:
    """One test set of each preset, drawn from the held-back records of a signal source.

    Args:
        names: Of presets for leads; `pages_NAME` for pages of a file of `conf/page`.
        signals: Where the records come from.
        n: Leads or pages in each set; None takes `N_GENERATED` or `N_PAGES`, with `full` more.
        seed: Of the sets.
        source: Appended to the sets' names, where there are several sources.
        full: See `n`.
    """
    leads_each, pages_each = (N_FULL, N_PAGES_FULL) if full else (N_GENERATED, N_PAGES)
    found: list[AnySet] = []
    for preset in names:
        name = f"{preset}_{source}" if source else preset
        if preset.startswith(PAGES_):
            look, n_pages = preset.removeprefix(PAGES_), pages_each if n is None else n
            found.append(drawn_pages(look, signals, n=n_pages, seed=seed, name=name))
            continue
        g = presets.load(preset)
        leads = LeadGenerator(signals, g.look, g.overlap, g.crop)
        note = LOOKS.get(preset, f"drawn as `{preset}`") + (
            f", real records ({source})" if source else ""
        )
        n_leads = leads_each if n is None else n
        found.append(GeneratorSet(name, leads, n=n_leads, seed=seed, note=note))
    return found


def command_line() -> str:
    """The command as it was given, to be quoted beside its numbers."""
    script = Path(sys.argv[0])
    ours = script.parent.name == "entries"  # where `ecg-overlap train` has it from
    called = ["ecg-overlap", script.stem] if ours else ["python", script.name]
    return shlex.join([*called, *sys.argv[1:]])


def device_name(device: torch.device) -> str:
    """What the networks run on, in words."""
    if device.type == "cuda":
        return f"GPU {torch.cuda.get_device_name(device)}"
    return machine()
