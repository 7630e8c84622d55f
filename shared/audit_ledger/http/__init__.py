"""Requests and answers of an HTTP API (API Gateway, payload format 2.0), as functions see them."""
