"""The CDK app: a stack per ledger and the stacks that all ledgers share."""
