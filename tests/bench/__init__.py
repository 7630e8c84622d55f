"""Figures and ratios (`make bench`). Nothing here is a test: machines differ, and are noisy."""
