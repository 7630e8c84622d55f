"""Deployment of a cloud assembly: templates, intrinsic functions and resources."""
