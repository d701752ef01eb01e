"""From a mask to the path of the pen: `columns`, `stroke` and `coordinate` are the decoders."""
