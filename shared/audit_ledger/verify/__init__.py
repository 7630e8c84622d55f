"""The verifier: whether a published ledger is what its signers say, judged without trusting them."""
