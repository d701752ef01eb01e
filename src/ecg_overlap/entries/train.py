"""Train a model, then test it: `ecg-overlap train model=unet aug=overlap`."""

import hydra
from omegaconf import DictConfig

from data_gen.conf_folder import conf_dir
from data_gen.extras import needs_extra
from ecg_overlap import entry
from ecg_overlap.entries import launch


def train(cfg: DictConfig) -> dict[str, float]:
    """The scores of a training."""
    with needs_extra("train", "ecg-overlap train"):
        from ecg_overlap.training import train
    return train(cfg)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def main(cfg: DictConfig) -> float:
    """The score a sweep maximises, named by `optimized_metric`."""
    return entry.run(train, cfg).get(cfg.optimized_metric, float("nan"))


if __name__ == "__main__":  # the further processes of a run
    launch("train")
