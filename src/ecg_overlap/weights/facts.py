"""Under which names a file of weights or a graph carries what must be known of its network."""

SPEC = "ecg_overlap.network"  # JSON: what makes the network anew
METHOD = "ecg_overlap.method"  # what it is best read by, where that is known
INPUT = "ecg_overlap.input"  # JSON, of a graph: its `inputs.InputSpec`
WEIGHTS = "ecg_overlap.weights"  # of a graph without weights: the SHA-256 of the file that has them
