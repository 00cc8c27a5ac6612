"""The CUDA device: the same MSL text, compiled by NVIDIA's NVRTC, on an NVIDIA GPU."""
