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
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.network import Network, NetworkInfo, info_of
from ecg_overlap.digitize.page.digitize import digitize_page
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.digitize.plans import PAGE_METHODS, Needs, Plan, choices, plan_for
from ecg_overlap.digitize.scale import PaperMap

MIN_FITTED = 8  # samples that a tilt can be fitted to


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
        in_workers: Whether it can be sent to other processes: so can graphs that these open anew.
        checkpoint: Where the weights come from.
        weights_sha256: Of their file.
        params: Number of the network's parameters.
        size_of: (height, width, px_per_mm) → the network's own (height, width), for `iou_net`.
        read_page: From a page's picture, uint8 (H, W, 3), to its leads; None where it reads none.
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
    read_page: Callable[[NDArray[np.uint8]], PageSignal] | None = None


def build_method(name: str, networks: Mapping[str, Network] | None = None) -> Method:
    """The method of this name.

    Args:
        name: A method or an oracle, e.g. "classical", "stroke@mask", "unet+stroke@row".
        networks: By the name of a method ("unet+stroke") or of a network ("unet"). Their facts
            (`NetworkInfo`) are reported with the scores.

    Raises:
        InputError: An unknown name, or a network that is not there.

    Example:
        >>> build_method("stroke@mask@grid").kind
        'oracle'
    """
    plan = plan_for(name)
    if name.split("@")[0] == "default":
        raise InputError(f"method {name!r}", "is not one method", f"choose of {choices()}")
    network = None if plan.network is None else _network(plan, networks or {})
    facts = NetworkInfo() if network is None else info_of(network)
    return Method(
        name,
        kind="oracle" if "@" in name else "baseline" if network is None else "model",
        digitize=functools.partial(run_plan, plan=plan, network=network),
        makes_mask=not plan.needs_mask,
        claims_zero=plan.row or plan.find_scale is None,
        finds_grid=plan.find_scale is not None,
        needs=("target_mask",) * plan.needs_mask
        + ("calibration",) * (plan.row or plan.find_scale is None),
        in_workers=network is None or getattr(network, "opened_from", None) is not None,
        checkpoint=facts.checkpoint,
        weights_sha256=facts.sha256,
        params=facts.params,
        size_of=facts.size_of,
        # A page as a user would have it read: nothing is told.
        read_page=functools.partial(digitize_page, method=name, network=network, stages=True)
        if name in PAGE_METHODS
        else None,
    )


def _network(plan: Plan, networks: Mapping[str, Network]) -> Network:
    """The network given for the method, or of the kind it is made for, or else one that serves."""
    needs = plan.network
    assert needs is not None
    for key in (plan.name, plan.base, needs):
        if key in networks:
            return networks[key]
    for network in networks.values():
        info = info_of(network)
        if needs.fits(info) and info.name != Needs.OWN:
            return network
    raise InputError(
        f"method {plan.name!r}",
        f"no network {needs.value!r} is at hand",
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
    paper = PaperMap(nominal.px_per_mm_x, nominal.px_per_mm_y, angle_deg).levelled()
    along = paper.straighten(points.astype(np.float64))
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
    if plan.find_scale is None:
        scale, angle_deg = true_scale(sample)
    try:
        lead = digitize_lead(
            sample.image,
            mm_per_s=scale.mm_per_s if scale else 25.0,
            mm_per_mv=scale.mm_per_mv if scale else 10.0,
            row_px=scale.baseline_px if scale and plan.row else None,
            method=plan.name,
            network=network,
            mask=sample.target_mask if plan.needs_mask else None,
            calibration=scale if plan.find_scale is None else None,
            angle_deg=angle_deg,
            stages=not plan.needs_mask,
        )
    except InputError as refusal:
        return Outcome(None, reason=str(refusal))
    return Outcome(lead, lead.stage_images.get("mask"))
