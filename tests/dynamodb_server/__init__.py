"""A DynamoDB in a process of its own: see docs/decisions/0006-dynalite-for-dynamodb-local.md."""
