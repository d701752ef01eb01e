# Everything runs in .venv, which `make install` makes: plain venv and pip.
PYTHON ?= python3.11
BIN := .venv/bin
INSTALLED := .venv/.installed
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install train eval test lint format gallery weights compare benchmarks clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## make .venv with the pinned versions

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,dev]'
	@touch $@

train: install  ## train the default model and test it (ARGS="model=… aug=…")
	$(BIN)/python train.py model=unet aug=overlap $(ARGS)

eval: install  ## report on the newest checkpoint and the baselines (ARGS="ckpt=… n=… full=true")
	$(BIN)/python eval.py $(ARGS)

test: install  ## run the tests, two at a time
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(ARGS)

lint: install  ## check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install  ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

gallery: install  ## contact sheets of what the generator draws, in outputs/gallery
	$(BIN)/python -m data_gen.gallery --out outputs/gallery
	$(BIN)/python -m ecg_overlap.augment_gallery --out outputs/gallery/augmentations.png

weights: install  ## train the package's networks anew (hours; ARGS="OVERRIDE …")
	bash experiments/best/reproduce.sh $(ARGS)

compare: install  ## paired differences of two results (A=folder B=folder)
	$(BIN)/python -m ecg_overlap.evaluation.compare $(A) $(B)

benchmarks: install  ## the figures on speed
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean:  ## remove .venv and caches; outputs stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
