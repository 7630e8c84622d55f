"""R4 as R5 and back."""
