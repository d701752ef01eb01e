"""What is compiled is kept where it can be, and works where it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import caching


def test_where_nothing_can_be_written_functions_are_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from data_gen.compiled import njit

    def refuse(*_: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refuse)
    assert njit(cache=True)(_twice)(4) == 8


def _twice(x: int) -> int:
    return 2 * x


@pytest.mark.parametrize("first", ["ecg_overlap.digitize.traces.runs", "data_gen.render"])
def test_every_compiled_function_is_so(tmp_path: Path, first: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from numba.core import caching\n"
        "def refuse(*_): raise OSError('read-only')\n"
        "caching._CacheLocator.ensure_cache_path = refuse\n"
        f"import {first}\n"
        "import ecg_overlap.digitize.page.digitize, data_gen.sheet, data_gen.distort.camera\n"
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
