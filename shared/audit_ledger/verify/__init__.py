"""The verifier: is a published ledger what its signers say, judged without trusting them."""
