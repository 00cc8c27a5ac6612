"""The CPU device beside Triton's interpreter and PyTorch."""
