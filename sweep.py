"""Search for settings: `python sweep.py hparams_search=overlap n_trials=30 [any of train.py]`."""

import hydra
from omegaconf import DictConfig

from ecg_overlap import entry


def search(cfg: DictConfig) -> None:
    """Run trials until the study has as many as it was asked for."""
    # Here, so that the worker processes, which import this file anew, need not load torch.
    from ecg_overlap.sweep.run import run_sweep

    run_sweep(cfg)


@hydra.main(version_base="1.3", config_path="conf", config_name="sweep")
def main(cfg: DictConfig) -> None:
    """One process of a study; start as many as there are devices."""
    entry.run(search, cfg)


if __name__ == "__main__":
    entry.main(main)
