"""From a mask to the path of the pen: one module a decoder."""
