#!/usr/bin/env bash
# The package's networks of traces and of ink, trained anew: hours of two CPU cores.
#
#     bash experiments/best/reproduce.sh                              # into outputs/reproduce
#     bash experiments/best/reproduce.sh trainer.max_steps=4 data.samples_per_epoch=32 data.n_val=8  # a try, minutes
#
# Given again, it goes on where it was stopped; with other overrides, in another folder. They are for all
# runs: paths and sizes. Needs PTB-XL beside the project (`paths.data=FOLDER`). The weights become the
# package's own when they are exported in their place: docs/research.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1
bin=.venv/bin
out=outputs/reproduce
[ $# -eq 0 ] || out+=-$(printf '%s\n' "$@" | sha256sum | cut -c1-8)
last=checkpoints/last.ckpt
overrides=("$@")

run() { # NAME EXPERIMENT OVERRIDE…: a run, or what is left of it
  if [ -e "$out/$1/done" ]; then
    echo "== $1: done already"
    return
  fi
  echo "== $1"
  "$bin/python" train.py "experiment=$2" ckpt=auto test=null "hydra.run.dir=$out/$1" "${@:3}" \
    ${overrides[@]+"${overrides[@]}"}
  touch "$out/$1/done"
}

run best best
run poor_scans poor_scans trainer=ddp trainer.accelerator=cpu trainer.devices=2 "weights=$out/best/$last"
"$bin/ecg-overlap" export --ckpt "$out"/{best,poor_scans}/$last --to safetensors --out "$out/average.safetensors"
on=(trainer=cpu trainer.accumulate_grad_batches=2 "weights=$out/average.safetensors" optimizer.lr=1e-3
  data.prompted=0.4 callbacks.signal_validation=null)
run poor_scans_a poor_scans "${on[@]}" overlap.severity_p=0.2 'crop.kind=[extent,extent,box]' trainer.max_epochs=9 seed=7
run poor_scans_b poor_scans "${on[@]}" overlap.severity_p=0.1 'crop.kind=[extent,box,box]' trainer.max_epochs=8 seed=11
"$bin/ecg-overlap" export --ckpt "$out"/{best,poor_scans_a,poor_scans_b}/$last --shares 2 1 1 \
  --to safetensors --method unet+stroke --out "$out/unet.safetensors"

# Of ink.onnx, the last of three stages; the first two are experiments/ink/ink.safetensors.
ink=(optimizer.lr=2e-3 data.per_picture=12)
run ink ink "${ink[@]}" weights=experiments/ink/ink.safetensors seed=2 trainer.max_steps=5126 \
  scheduler.warm_up_steps=100 scheduler.cool_down_steps=0
run ink_cooled ink "${ink[@]}" "weights=$out/ink/$last" seed=3 trainer.max_steps=900 data.samples_per_epoch=1800 \
  scheduler.warm_up_steps=20 scheduler.cool_down_steps=880
"$bin/ecg-overlap" export --ckpt "$out/ink_cooled/$last" --to onnx --out "$out/ink.onnx"
