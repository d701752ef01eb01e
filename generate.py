"""Write a frozen data set: `python generate.py out=data/overlap n=10000`."""

from ecg_overlap.entries import launch

if __name__ == "__main__":  # worker processes import this file anew
    launch("generate")
