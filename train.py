"""Train a model, then test it: `python train.py model=unet aug=overlap`."""

from ecg_overlap.entries import launch

if __name__ == "__main__":  # worker processes import this file anew
    launch("train")
