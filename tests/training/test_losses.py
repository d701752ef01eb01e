"""Losses: small where a model is right, large where it is wrong, by hand where that can be."""

import math

import pytest
import torch
from configured import as_configured

from data_gen.errors import InputError
from ecg_overlap.digitize.ink.offsets import OFFSETS_MM
from ecg_overlap.losses import (
    check_trains,
    noise_to_signal,
    offsets_cross_entropy,
    rows_cross_entropy,
)

ROWS, COLUMNS = 40, 16
BceDice = as_configured("loss", "bce_dice")
MasksAndRows = as_configured("loss", "rows")
InkAndLayers = as_configured("loss", "ink")


def masks() -> torch.Tensor:
    return (torch.rand(2, 2, 16, 16, generator=torch.Generator().manual_seed(0)) > 0.5).float()


def peaked(centre: torch.Tensor, sharpness: float = 0.5) -> torch.Tensor:
    """Logits (1, ROWS, COLUMNS) of a Gaussian around the rows `centre` (COLUMNS,)."""
    at = torch.arange(float(ROWS))[:, None]
    return (-sharpness * (at - centre) ** 2)[None]


def test_a_perfect_mask_costs_next_to_nothing_and_its_inverse_much() -> None:
    truth = masks()
    logits = (truth * 2 - 1) * 20
    loss = BceDice()
    assert float(loss({"mask": logits}, {"mask": truth})) < 1e-3
    assert float(loss({"mask": -logits}, {"mask": truth})) > 1.0


def test_without_other_weight_the_intruders_do_not_count() -> None:
    truth = torch.zeros(1, 2, 8, 8)
    logits = torch.full((1, 2, 8, 8), -20.0)
    changed = logits.clone()
    changed[:, 1] = 20.0
    alone, both = BceDice(other_weight=0.0), BceDice(other_weight=0.3)
    assert alone({"mask": logits}, {"mask": truth}) == alone({"mask": changed}, {"mask": truth})
    assert both({"mask": logits}, {"mask": truth}) < both({"mask": changed}, {"mask": truth})


def test_a_model_of_one_mask_is_judged_by_it_alone() -> None:
    truth = masks()
    one = BceDice()({"mask": (truth[:, :1] * 2 - 1) * 20}, {"mask": truth})
    assert float(one) < 1e-3


def test_the_rows_cross_entropy_of_a_uniform_guess_is_the_logarithm_of_their_number() -> None:
    centre = torch.full((1, COLUMNS), 20.0)
    found = rows_cross_entropy(torch.zeros(1, ROWS, COLUMNS), centre, 1.0)
    torch.testing.assert_close(found, torch.full((1, COLUMNS), math.log(ROWS)))


def test_the_rows_cross_entropy_is_least_at_the_truth() -> None:
    centre = torch.linspace(10, 30, COLUMNS)
    right = rows_cross_entropy(peaked(centre), centre[None], 1.0).mean()
    for shift in (-3.0, 3.0):
        assert right < rows_cross_entropy(peaked(centre + shift), centre[None], 1.0).mean()
    # A Gaussian of standard deviation 1 has the entropy ½ ln 2πe, which no guess undercuts.
    assert float(right) == pytest.approx(0.5 * math.log(2 * math.pi * math.e), abs=0.01)


def test_noise_to_signal_by_hand() -> None:
    # A trace that alternates 4 rows up and down; every other pair of columns is 1 row off.
    swing = torch.tensor([4.0, -4.0]).repeat(COLUMNS // 2)
    error = torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(COLUMNS // 4)
    truth = (20 + swing)[None]
    found = noise_to_signal(peaked(20 + swing + error), truth)
    # Signal 16 per column, noise 1.
    assert float(found) == pytest.approx(math.log1p(1 / 16), rel=1e-3)


def test_an_offset_is_no_noise() -> None:
    centre = torch.linspace(10, 30, COLUMNS)
    assert float(noise_to_signal(peaked(centre + 3), centre[None])) == pytest.approx(0, abs=1e-6)


def test_columns_without_a_trace_say_nothing() -> None:
    centre = torch.linspace(10, 30, COLUMNS)
    with_gap = centre.clone()
    with_gap[5:9] = torch.nan
    wrong_there = centre.clone()
    wrong_there[5:9] = 2.0
    found = noise_to_signal(peaked(wrong_there), with_gap[None])
    assert float(found) == pytest.approx(0, abs=1e-6)
    assert float(noise_to_signal(peaked(centre), torch.full((1, COLUMNS), torch.nan))) == 0


@pytest.mark.parametrize("snr_weight", [0.0, 0.5])
def test_every_term_is_felt_and_gives_finite_gradients(snr_weight: float) -> None:
    centre = torch.linspace(10, 30, COLUMNS)
    centre[3:5] = torch.nan
    image = torch.zeros(1, 6, ROWS, COLUMNS)
    image[:, 3, :, :14] = 1  # two columns of padding
    batch = {
        "image": image,
        "mask": torch.zeros(1, 2, ROWS, COLUMNS),
        "centre": centre[None],
    }
    outputs = {
        "mask": torch.zeros(1, 2, ROWS, COLUMNS, requires_grad=True),
        "rows": torch.zeros(1, ROWS, COLUMNS, requires_grad=True),
        "presence": torch.zeros(1, COLUMNS, requires_grad=True),
    }
    MasksAndRows(BceDice(), snr_weight=snr_weight)(outputs, batch).backward()
    for name, output in outputs.items():
        assert output.grad is not None and output.grad.isfinite().all(), name
        assert output.grad.abs().sum() > 0, name
    presence = outputs["presence"].grad
    assert presence is not None and not presence[0, 14:].any()  # padding is neither
    rows = outputs["rows"].grad
    assert rows is not None and not rows[0, :, 3:5].any()


def test_a_batch_without_any_trace_is_no_error() -> None:
    batch = {
        "image": torch.ones(1, 6, ROWS, COLUMNS),
        "mask": torch.zeros(1, 2, ROWS, COLUMNS),
        "centre": torch.full((1, COLUMNS), torch.nan),
    }
    outputs = {
        "mask": torch.zeros(1, 2, ROWS, COLUMNS),
        "rows": torch.zeros(1, ROWS, COLUMNS),
        "presence": torch.zeros(1, COLUMNS),
    }
    assert MasksAndRows(BceDice(), snr_weight=1.0)(outputs, batch).isfinite()


def test_a_gaussian_without_width_is_refused() -> None:
    with pytest.raises(InputError, match=r"loss\.sigma_px"):
        MasksAndRows(BceDice(), sigma_px=0.0)


def test_a_loss_of_masks_alone_is_refused_for_a_coordinate_head() -> None:
    with pytest.raises(InputError, match="loss=rows"):
        check_trains(BceDice(), columns_per_px=2)
    check_trains(BceDice(), columns_per_px=0)
    check_trains(MasksAndRows(BceDice()), columns_per_px=2)


def test_ink_by_cross_entropy_and_dice_and_layers_by_cross_entropy_by_hand() -> None:
    """Logits of 0 are a probability of ½: a cross-entropy of log 2 in every pixel."""
    outputs = {"mask": torch.zeros(1, 3, 4, 4)}
    batch = {"image": torch.ones(1, 6, 4, 4), "mask": torch.zeros(1, 3, 4, 4)}
    batch["mask"][0, 0, 0] = 1  # 4 of 16 pixels are ink
    # Dice: 1 − (2 · 4 · ½ + 1) / (16 · ½ + 4 + 1).
    dice = 1 - 5 / 13
    loss = InkAndLayers(bce_weight=3.0, dice_weight=1.0, layers_weight=0.5)
    assert float(loss(outputs, batch)) == pytest.approx(3 * math.log(2) + dice + math.log(2))


def test_padding_of_a_window_costs_nothing() -> None:
    loss, truth = InkAndLayers(), masks()[:, :1].repeat(1, 3, 1, 1)
    batch = {"image": torch.ones(2, 6, 16, 16), "mask": truth}
    batch["image"][:, :, :, 8:] = 0
    right = (truth * 2 - 1) * 20
    wrong = right.clone()
    wrong[..., 8:] *= -1
    assert float(loss({"mask": wrong}, batch)) == float(loss({"mask": right}, batch)) < 1e-3


def test_an_offset_between_two_that_can_be_said_is_a_share_of_both() -> None:
    lower = OFFSETS_MM.index(2.0)
    between = torch.tensor([2.25])  # a quarter of the way to 3
    logits = torch.full((1, len(OFFSETS_MM), 1, 1), -30.0)
    logits[0, lower], logits[0, lower + 1] = math.log(0.75), math.log(0.25)
    offsets = between.reshape(1, 1, 1, 1)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert float(offsets_cross_entropy(logits, offsets)) == pytest.approx(entropy, abs=1e-5)


def test_a_pixel_that_two_traces_own_is_both_their_levels() -> None:
    first, second = OFFSETS_MM.index(0.0), OFFSETS_MM.index(12.0)
    logits = torch.full((1, len(OFFSETS_MM), 1, 2), -30.0)
    logits[0, first, 0, 0] = logits[0, second, 0, 0] = 0.0
    logits[0, first, 0, 1] = 0.0
    nan = float("nan")
    offsets = torch.tensor([[0.0, 0.0], [12.0, nan]]).reshape(1, 2, 1, 2)
    # Two owners at ln 2 each, and one that is sure.
    surprise = float(offsets_cross_entropy(logits, offsets))
    assert surprise == pytest.approx(2 * math.log(2) / 3, abs=1e-4)


def test_where_no_trace_is_offsets_cost_nothing() -> None:
    logits = torch.randn(1, len(OFFSETS_MM), 2, 2, requires_grad=True)
    loss = offsets_cross_entropy(logits, torch.full((1, 2, 2, 2), float("nan")))
    loss.backward()
    assert float(loss.detach()) == 0 and logits.grad is not None and not logits.grad.any()
