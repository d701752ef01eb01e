"""Score methods on test sets: `ecg-overlap eval [ckpt=…] [crops=DIR] [methods=[…]]`."""

import hydra
from omegaconf import DictConfig

from data_gen.conf_folder import conf_dir
from data_gen.extras import needs_extra
from ecg_overlap import entry


def evaluate(cfg: DictConfig) -> None:
    """Evaluate, report, and print the table."""
    with needs_extra("train", "ecg-overlap eval"):
        from ecg_overlap.evaluation.run import run_evaluation
    run_evaluation(cfg)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="eval")
def main(cfg: DictConfig) -> None:
    """One report."""
    entry.run(evaluate, cfg)
