"""A DynamoDB in a process of its own: see docs/decisions/dynalite-for-dynamodb-local.md."""
