"""Eight samples are learnt by heart: pictures, masks, loss, network and loop belong together."""

from collections.abc import Callable

from omegaconf import DictConfig

from ecg_overlap.training import train

Compose = Callable[..., DictConfig]


def test_eight_samples_reach_an_iou_above_0_95(config: Compose) -> None:
    scores = train(
        config(
            *("aug=none", "crop.size_px=[64,128]", "page=clean"),
            *("model.fold=1", "model.options.decoder_channels=[64,32,32,16,16]", "test=null"),
            *("data.batch_size=8", "data.samples_per_epoch=1200", "data.n_distinct=8"),
            *("data.scale_jitter=0", "data.prompted=0", "data.window_px=64", "optimizer.lr=4e-3"),
            *("callbacks.pictures=null", "callbacks.signal_validation.n=1"),
        )
    )
    assert scores["val/iou_target"] > 0.95
