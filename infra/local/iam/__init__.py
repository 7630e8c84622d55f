"""Permissions: requests to AWS are evaluated against the deployed policies."""
