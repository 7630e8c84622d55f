"""The stacks of a stage: a file each, and `stage.py`, which lists them."""
