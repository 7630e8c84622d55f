"""Exports that were made once and kept: whoever holds one like them can still verify it."""
