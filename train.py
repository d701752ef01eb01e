"""Train a model, then test it: `python train.py model=unet aug=overlap`."""

import hydra
from omegaconf import DictConfig

from ecg_overlap import entry


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> float:
    """The score a sweep maximises, named by `optimized_metric`."""
    # Here, so that the worker processes, which import this file anew, need not load torch.
    from ecg_overlap.training import train

    return entry.run(train, cfg).get(cfg.optimized_metric, float("nan"))


if __name__ == "__main__":
    entry.main(main)
