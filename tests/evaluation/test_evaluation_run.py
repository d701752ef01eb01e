"""What eval.py's configuration chooses: which sets, and what is said of those it leaves out."""

import pickle
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from data_gen.errors import InputError
from ecg_overlap.evaluation.methods import build_method
from ecg_overlap.evaluation.page_sets import DrawnPages
from ecg_overlap.evaluation.run import chosen_methods, chosen_sets, networks_of

CONF = Path(__file__).parents[2] / "conf"


def config(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("eval", ["n=1", "sets=[clean]", "~held_back.ludb", *overrides])


def test_a_held_back_set_whose_folder_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = chosen_sets(config(f"paths.ptbxl={tmp_path}/gone"))
    assert [test_set.name for test_set in sets] == ["clean"]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"warning: held_back.ptbxl: no folder {tmp_path}/gone")
    assert "give held_back.ptbxl.root=" in line


def test_what_was_asked_for_is_all_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    chosen_sets(config("~held_back.ptbxl"))
    assert capsys.readouterr().out == ""


def test_signals_without_their_folder_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"give signals\.root"):
        chosen_sets(config("signals=wfdb"))
    with pytest.raises(InputError, match="gone: no such folder"):
        chosen_sets(config("signals=wfdb", f"signals.root={tmp_path}/gone"))


def test_a_folder_of_pages_is_evaluated_alone(tmp_path: Path) -> None:
    (tmp_path / "mapping.csv").write_text("image,record\na.png,7\nb.png,8\n", encoding="utf-8")
    (found,) = chosen_sets(config(f"pages={tmp_path}", "n=null"))
    assert (found.name, found.kind, len(found)) == ("pages", "pages", 2)


def test_sets_of_pages_are_drawn_by_their_names() -> None:
    sets = chosen_sets(config("sets=[clean,pages_photo]", "~held_back.ptbxl", "n=null"))
    assert [(s.name, s.kind, len(s)) for s in sets] == [
        ("clean", "preset", 10),
        ("pages_photo", "pages", 5),
    ]
    full = chosen_sets(
        config("sets=[clean,pages_photo]", "~held_back.ptbxl", "n=null", "full=true")
    )
    assert [len(s) for s in full] == [50, 20]
    looks = {
        g.look.distortion for s in sets if isinstance(s, DrawnPages) for g in s.generators.values()
    }
    assert [look.perspective_p for look in looks] == [0.9]


def test_by_default_few_methods_are_tried_and_all_in_full() -> None:
    networks = networks_of("package")
    few, full = (
        [method.name for method in chosen_methods(None, networks, full=full)]
        for full in (False, True)
    )
    models = ["unet+stroke", "ink+stroke", "surest"]
    assert few == [*models, "fortune_fixed", "classical", "stroke@mask@grid"]
    assert set(few) < set(full) and len(full) == 12


def test_a_graph_is_opened_anew_by_processes() -> None:
    networks = networks_of("package")
    ink, other = (build_method(name, networks) for name in ("ink+stroke", "ink+unet+stroke"))
    assert ink.in_workers and not other.in_workers
    again = pickle.loads(pickle.dumps(networks["ink"]))
    assert again.info.sha256 == networks["ink"].info.sha256
