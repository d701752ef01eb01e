"""The network that sees ink: its shapes, its spec, and what it looks at."""

import pytest
import torch

from data_gen.errors import InputError
from ecg_overlap.contract import as_model, build, stored_spec
from ecg_overlap.digitize.ink.offsets import OFFSETS_MM
from ecg_overlap.ink_net import InkNet


def net() -> InkNet:
    torch.manual_seed(0)
    return InkNet(channels=[8, 12, 16], px_per_mm=8.0).eval()


def test_it_is_a_model_and_is_made_anew_from_its_spec() -> None:
    first = as_model(net(), where="test")
    again = build(stored_spec(first), first.state_dict(), where="test").eval()
    picture = torch.rand(1, 6, 16, 24)
    with torch.inference_mode():
        assert torch.equal(first(picture)["mask"], again(picture)["mask"])


def test_sides_are_padded_to_what_its_levels_halve() -> None:
    assert net().input_spec.multiple == 8  # folded once, halved twice
    with torch.inference_mode():
        assert net()(torch.zeros(2, 6, 8, 40))["mask"].shape == (2, 3, 8, 40)


def test_it_sees_colours_alone() -> None:
    """Neither the crop's edges nor a prompt may change what is ink."""
    picture = torch.rand(1, 6, 16, 24)
    other = picture.clone()
    other[:, 3:] = 0.5
    with torch.inference_mode():
        assert torch.equal(net()(picture)["mask"], net()(other)["mask"])


def test_it_may_say_whose_the_ink_is_at_half_its_resolution() -> None:
    told = InkNet(channels=[8, 12, 16], px_per_mm=8.0, offsets=True).eval()
    assert told.input_spec.offsets and not net().input_spec.offsets
    assert stored_spec(told)["offsets"] is True and "offsets" not in stored_spec(net())
    with torch.inference_mode():
        outputs = told(torch.zeros(2, 6, 16, 24))
    assert outputs["mask"].shape == (2, 3, 16, 24)
    assert outputs["offsets"].shape == (2, len(OFFSETS_MM), 8, 12)


def test_separable_convolutions_have_fewer_weights_and_are_made_anew() -> None:
    apart = InkNet(channels=[8, 12, 16], px_per_mm=8.0, separable=True).eval()
    again = build(stored_spec(apart), apart.state_dict(), where="test").eval()
    picture = torch.rand(1, 6, 16, 24)
    with torch.inference_mode():
        assert torch.equal(apart(picture)["mask"], again(picture)["mask"])
    assert "separable" not in stored_spec(net())
    assert n_weights(apart) < n_weights(net()) / 3


def n_weights(network: InkNet) -> int:
    return sum(weights.numel() for weights in network.parameters())


@pytest.mark.parametrize("channels", [[8], [8, 0]])
def test_levels_that_are_none_are_refused(channels: list[int]) -> None:
    with pytest.raises(InputError, match=r"model\.channels"):
        InkNet(channels=channels, px_per_mm=8.0)
