"""Trimetal: Triton's TTGIR text in, readable Metal Shading Language out, executed anywhere."""
