"""Search for settings: `ecg-overlap sweep hparams_search=overlap n_trials=30 [any of train]`."""

import hydra
from omegaconf import DictConfig

from data_gen.conf_folder import conf_dir
from data_gen.extras import needs_extra
from ecg_overlap import entry


def search(cfg: DictConfig) -> None:
    """Run trials until the study has as many as it was asked for."""
    with needs_extra("sweep", "ecg-overlap sweep"):
        from ecg_overlap.sweep.run import run_sweep
    run_sweep(cfg)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="sweep")
def main(cfg: DictConfig) -> None:
    """One process of a study; start as many as there are devices."""
    entry.run(search, cfg)
