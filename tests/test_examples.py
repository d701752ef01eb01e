"""The examples in the docstrings give what they say they give."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def modules() -> list[str]:
    """Modules with an example that needs no data, by name; each is imported by its own test."""
    found = []
    for top in (ROOT, ROOT / "src"):
        for package in ("data_gen", "ecg_overlap"):
            for path in sorted((top / package).rglob("*.py")):
                lines = path.read_text(encoding="utf-8").splitlines()
                if any(">>> " in line and "+SKIP" not in line for line in lines):
                    parts = path.relative_to(top).with_suffix("").parts
                    found.append(".".join(parts).removesuffix(".__init__"))
    return found


@pytest.mark.parametrize("name", modules())
def test_the_examples_are_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # for those that write files
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
