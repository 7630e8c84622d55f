"""Exports of each version, written once: owners of such exports can still verify them."""
