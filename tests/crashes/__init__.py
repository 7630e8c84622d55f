"""Crashes: whatever befalls any call to AWS, nothing is lost, doubled or forked."""

import tests.conftest  # noqa: F401  sets what Powertools reads when a handler is first imported
