"""Invocation of Lambda functions: handlers, logs and event sources."""
