"""Write a frozen data set: `ecg-overlap generate out=data/overlap n=10000`."""

from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from data_gen.conf_folder import conf_dir
from data_gen.extras import needs_extra
from ecg_overlap import entry


def generate(cfg: DictConfig) -> None:
    """Draw what the plan says with the source that the config describes."""
    with needs_extra("train", "ecg-overlap generate"):
        from data_gen.presets import check_given, make
        from data_gen.write_set import SetPlan, write_command, write_set
    check_given(cfg.signals)
    tree: Any = OmegaConf.to_container(cfg, resolve=True)
    plan = SetPlan(**tree["plan"], dials=tree["source"])
    command = write_command(HydraConfig.get().overrides.task)
    source = make(cfg.source)
    left = write_set(source, cfg.out, plan, shard=cfg.shard, jobs=cfg.jobs, command=command)
    print(f"{cfg.out}: {plan.parts - left} of {plan.parts} shards are there")


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="generate")
def main(cfg: DictConfig) -> None:
    """One set, or with shard=i one shard of it."""
    entry.run(generate, cfg)
