"""What is evaluated: a name becomes a callable from a sample to what was found in its picture."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.generate import fit_calibration
from data_gen.sample import LeadSample
from ecg_overlap.digitize.lead import Network, digitize_lead, turned_points
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.plans import Plan, choices, plan_for

MIN_FITTED = 8  # samples that a tilt can be fitted to

# The network that a method asks for where none is given under the method's own name …
NETWORK_OF = {
    "paper": "unet_paper",
    "unet+stroke": "unet",
    "unet+viterbi": "unet",
    "unet+centroid": "unet",
    "unet_coord": "unet_coord",
}
# … and the one that serves as well: it has masks too.
STAND_IN = {"unet": "unet_coord"}


@dataclass(frozen=True)
class Outcome:
    """What a method made of one sample.

    Args:
        signal: The digitized lead; None where the method refused.
        mask: uint8 (H, W), coverage of what it took for the primary trace, where it makes one.
        reason: Why it refused, in words.
    """

    signal: LeadSignal | None
    mask: NDArray[np.uint8] | None = None
    reason: str = ""


@dataclass(frozen=True)
class Method:
    """A method under its name.

    Args:
        name: As it stands in the results.
        kind: "model", "baseline" or "oracle".
        digitize: From a sample to its outcome; an oracle reads the sample's truth.
        makes_mask: Whether its mask is its own finding, so that an IoU says something.
        claims_zero: Whether its signal's 0 mV is a known row, so that it can be scored raw.
        finds_grid: Whether the scale is its own finding.
        needs: Truths of a sample that it is given; on a sample without them it is not tried.
        in_workers: Whether it can be sent to other processes; networks cannot.
        checkpoint: Where the weights come from.
        weights_sha256: Of their file.
        params: Number of the network's parameters.
        size_of: (height, width, px_per_mm) → the network's own (height, width), for `iou_net`.
    """

    name: str
    kind: str
    digitize: Callable[[LeadSample], Outcome]
    makes_mask: bool = True
    claims_zero: bool = False
    finds_grid: bool = True
    needs: tuple[str, ...] = ()
    in_workers: bool = False
    checkpoint: str | None = None
    weights_sha256: str | None = None
    params: int | None = None
    size_of: Callable[[int, int, float], tuple[int, int]] | None = None


def build_method(name: str, networks: Mapping[str, Network] | None = None) -> Method:
    """The method of this name.

    Args:
        name: A method or an oracle, e.g. "classical", "stroke@mask", "unet+stroke@row".
        networks: By method name ("unet+stroke") or by network name (`NETWORK_OF`). What a
            network carries as `checkpoint`, `sha256`, `params` and `size_of` is reported with it.

    Raises:
        InputError: An unknown name, or a network that is not there.

    Example:
        >>> build_method("stroke@mask@grid").kind
        'oracle'
    """
    plan = plan_for(name)
    if name.split("@")[0] == "default":
        raise InputError(f"method {name!r}", "is not one method", f"choose of {choices()}")
    network = _network(plan, networks or {}) if plan.needs_network else None
    return Method(
        name,
        kind="oracle" if "@" in name else "model" if plan.needs_network else "baseline",
        digitize=functools.partial(run_plan, plan=plan, network=network),
        makes_mask=plan.mask != "given",
        claims_zero=plan.row or plan.grid == "given",
        finds_grid=plan.grid != "given",
        needs=("target_mask",) * (plan.mask == "given")
        + ("calibration",) * (plan.row or plan.grid == "given"),
        in_workers=network is None,
        checkpoint=getattr(network, "checkpoint", None),
        weights_sha256=getattr(network, "sha256", None),
        params=getattr(network, "params", None),
        size_of=getattr(network, "size_of", None),
    )


def _network(plan: Plan, networks: Mapping[str, Network]) -> Network:
    base = plan.name.split("@")[0]
    wanted = NETWORK_OF[base]
    for key in (plan.name, base, wanted, STAND_IN.get(wanted, wanted)):
        if key in networks:
            return networks[key]
    raise InputError(
        f"method {plan.name!r}",
        f"no network {wanted!r} is at hand",
        "give ckpt=PATH, or leave the method out of methods=[…]",
    )


def true_scale(sample: LeadSample) -> tuple[Calibration | None, float]:
    """The calibration along the axes of the paper as the picture shows it, and their tilt in deg.

    Where the geometry was distorted, a tilt and then a scale are fitted by least squares to the
    polyline: the fall of the trace along x that the signal does not explain is the tilt.
    """
    nominal, points, signal = sample.calibration, sample.polyline_px, sample.signal_mv
    if nominal is None or points is None or signal is None or sample.fs_hz is None:
        return nominal, 0.0
    if not sample.meta.get("distorted", False):
        return nominal, 0.0
    known = np.isfinite(points).all(axis=1) & np.isfinite(signal)
    if known.sum() < MIN_FITTED:
        return nominal, 0.0
    xy = points[known].astype(np.float64)
    mv = signal[known].astype(np.float64)
    terms = np.column_stack((mv, xy[:, 0], np.ones(len(xy))))
    slope = float(np.linalg.lstsq(terms, xy[:, 1], rcond=None)[0][1])
    angle_deg = float(np.rad2deg(np.arctan(slope)))
    along = turned_points(points.astype(np.float64), angle_deg)
    return fit_calibration(along, signal, fs_hz=sample.fs_hz, nominal=nominal), angle_deg


def run_plan(sample: LeadSample, *, plan: Plan, network: Network | None) -> Outcome:
    """Digitize one sample by a plan; a refusal is an outcome, not an error.

    Speed and gain of the paper are told, as a user would tell them; every other truth only
    where the plan names it.

    Args:
        sample: Has the truths that the plan names.
        plan: What to do at each stage.
        network: For the plans that use one.
    """
    scale, angle_deg = sample.calibration, 0.0
    if plan.grid == "given":
        scale, angle_deg = true_scale(sample)
    try:
        lead = digitize_lead(
            sample.image,
            mm_per_s=scale.mm_per_s if scale else 25.0,
            mm_per_mv=scale.mm_per_mv if scale else 10.0,
            row_px=scale.baseline_px if scale and plan.row else None,
            method=plan.name,
            network=network,
            mask=sample.target_mask if plan.mask == "given" else None,
            calibration=scale if plan.grid == "given" else None,
            angle_deg=angle_deg,
            stages=plan.mask != "given",
        )
    except InputError as refusal:
        return Outcome(None, reason=str(refusal))
    return Outcome(lead, lead.stage_images.get("mask"))
