"""How long a command takes from its start to a record, beside the work itself.

    python benchmarks/start.py --rounds 5 --imports
    python benchmarks/start.py --picture lead.png      # in an install without extras
    python benchmarks/start.py --compiling             # the very first start

Each method digitizes one small drawn lead in processes of its own, the methods in turn, so that a
busy machine slows all of them alike. What stands is the least of the rounds, CPU seconds and wall:
the first round, which may compile, is left out. `--imports` lists what costs most to import, by
`python -X importtime`. `--compiling` times one start of `surest` that compiles all it needs.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import data_gen
from ecg_overlap.digitize.write import write_png

METHODS = ("surest", "classical", "ink+stroke", "unet+stroke", "ink+unet+stroke")
CALL = "import sys; from ecg_overlap.cli import main; sys.exit(main())"
LONGEST = 25  # imports that are listed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--picture", type=Path, help="a lead (default: one drawn, by the extra)")
    parser.add_argument("--imports", action="store_true")
    parser.add_argument("--compiling", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lead = arguments.picture
        if lead is None:
            lead = write_png(
                data_gen.make_sample(1, config="clean").image, Path(folder) / "lead.png"
            )
        of_method = {
            method: ["digitize", str(lead), "--out", f"{folder}/{method}", "--method", method]
            for method in METHODS
        }
        if arguments.compiling:
            os.environ["NUMBA_CACHE_DIR"] = f"{folder}/compiled"  # empty
            cpu_s, wall_s = timed([sys.executable, "-c", CALL, *of_method["surest"]])
            print(f"compiling        {cpu_s:5.1f} CPU-s {wall_s:5.1f} s of wall")
            return
        calls = {"--help": ["--help"], **of_method}
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
        for _ in range(1 + arguments.rounds):
            for name, call in calls.items():
                taken[name].append(timed([sys.executable, "-c", CALL, *call]))
        print(f"{platform.machine()}, Python {platform.python_version()}")
        for name, took in taken.items():
            cpu_s, wall_s = (min(column) for column in zip(*took[1:], strict=True))
            print(f"{name:<16} {cpu_s:5.2f} CPU-s {wall_s:5.2f} s of wall")
        if arguments.imports:
            command = [sys.executable, "-X", "importtime", "-c", CALL, *of_method["unet+stroke"]]
            print(imports(subprocess.run(command, capture_output=True, text=True, check=True)))


def timed(command: list[str]) -> tuple[float, float]:
    """CPU seconds of a process and its children, and seconds of the clock."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    wall_s, after = time.perf_counter() - begun, os.times()
    used = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return used, wall_s


def imports(done: subprocess.CompletedProcess[str]) -> str:
    """The modules that cost most with all that they import, the dearest first."""
    rows = []
    for line in done.stderr.splitlines():
        if line.startswith("import time:") and "|" in line and "cumulative" not in line:
            _, cumulative_us, name = line.removeprefix("import time:").split("|")
            rows.append((int(cumulative_us), name.strip()))
    listed = [f"{us / 1e6:6.3f} s  {name}" for us, name in sorted(rows, reverse=True)[:LONGEST]]
    return "\n".join(listed)


if __name__ == "__main__":
    main()
