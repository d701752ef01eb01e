"""Score methods on test sets: `python eval.py [ckpt=…] [crops=DIR] [methods=[…]]`."""

from ecg_overlap.entries import launch

if __name__ == "__main__":  # worker processes import this file anew
    launch("eval")
