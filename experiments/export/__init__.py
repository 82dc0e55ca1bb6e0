"""Ways to lay a grouped projection down in an ONNX graph, measured beside each other."""
