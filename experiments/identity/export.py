"""Write the network as ONNX, with its digest: `… -m experiments.identity.export FROM FOLDER`."""

import argparse
from pathlib import Path

import onnx
import torch

from data_gen.formats.files import digest_file, sha256
from experiments.half import in_half
from experiments.identity.network import Likeness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    network = Likeness()
    network.load_state_dict(torch.load(arguments.weights, weights_only=True))
    network.eval()
    file = arguments.folder / "identity.onnx"
    torch.onnx.export(
        network,
        (torch.zeros(4, 4, 1000),),
        str(file),
        input_names=["seen"],
        output_names=["likeness"],
        dynamic_axes={"seen": {0: "traces", 2: "samples"}, "likeness": {0: "traces"}},
        opset_version=17,
        dynamo=False,
    )
    file.write_bytes(in_half(onnx.load(file)))
    digest_file(file).write_text(f"{sha256(file)}  {file.name}\n", encoding="utf-8")
    print(file, file.stat().st_size)


if __name__ == "__main__":
    main()
