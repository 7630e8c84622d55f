"""Detect missing events of portals that number their events."""
