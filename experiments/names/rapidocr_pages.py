"""What RapidOCR reads on the real pages of `real_pages.py`, on the same straight pictures.

    python -m experiments.names.rapidocr_pages FOLDER [FOLDER …]

Needs the extra `ocr`: RapidOCR, whose wheel carries its models.
"""

import argparse
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np

from data_gen.sample import LEADS
from ecg_overlap.digitize.page.printed import LEAST_SCORE, scale_in
from experiments.names.score import NEAR_MM, in_picture, real

ONE_CORE = {
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Global.log_level": "error",
}
NAME_OF = {name.upper(): name for name in LEADS}


def name_read(text: str) -> str | None:
    """A lead's name, whatever its case; bars that are read as l, | or 1 count as I."""
    word = text.strip().strip(".:,").replace(" ", "")
    if re.fullmatch(r"[Il|1]{1,3}", word):
        return "I" * len(word)
    return NAME_OF.get(word.upper())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+")
    args = parser.parse_args()
    try:
        from rapidocr import RapidOCR
    except ImportError:
        parser.error("RapidOCR is not installed: pip install 'ecg-overlap[ocr]'")
    engine = RapidOCR(params=ONE_CORE)
    printed, right, said, seconds = Counter(), Counter(), Counter(), []
    for label, page in real(args.folder):
        page = in_picture(page)
        start = time.process_time()
        found = engine(np.ascontiguousarray(page.image[..., ::-1]), use_cls=False)
        lines = (
            []
            if found.txts is None
            else list(zip(found.boxes, found.txts, found.scores, strict=True))
        )
        seconds.append(time.process_time() - start)
        printed.update(LEADS[k] for k in page.names)
        free = list(range(len(page.names)))
        for box, text, _ in lines:
            name = name_read(text)
            if name is None:
                continue
            said[name] += 1
            off = np.abs(page.boxes[free, :2] - np.mean(box, axis=0)) / page.px_per_mm
            hit = [i for i, o in zip(free, off, strict=True) if (o < NEAR_MM).all()]
            hit = [i for i in hit if LEADS[page.names[i]] == name]
            if hit:
                free.remove(hit[0])
                right[name] += 1
        scale = scale_in(text for _, text, score in lines if score >= LEAST_SCORE)
        n_read = len(page.names) - len(free)
        print(f"{label}: {n_read} of {len(page.names)}, {seconds[-1]:.1f} s, {scale}", flush=True)
    for name in LEADS:
        recall = right[name] / printed[name]
        print(f"{name:4} {printed[name]:3} recall {recall:.2f}, said {said[name]}")
    total = right.total()
    print(f"recall {total / printed.total():.3f}, precision {total / said.total():.3f}")
    print(f"{np.median(seconds):.1f} s a page (median), {max(seconds):.1f} s at most")


if __name__ == "__main__":
    main()
