"""Score methods on test sets: `python eval.py [ckpt=…] [crops=DIR] [methods=[…]]`."""

import hydra
from omegaconf import DictConfig

from ecg_overlap import entry


@hydra.main(version_base="1.3", config_path="conf", config_name="eval")
def main(cfg: DictConfig) -> None:
    """Evaluate, report, and print the table."""
    # Here, so that the worker processes, which import this file anew, need not load torch.
    from ecg_overlap.evaluation.run import run_evaluation

    entry.run(run_evaluation, cfg)


if __name__ == "__main__":
    entry.main(main)
