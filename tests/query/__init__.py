"""Query under the deployed templates, over HTTP."""
