"""The device of Apple GPUs: MLX's arrays through MLX, PyTorch's MPS tensors through PyTorch."""
