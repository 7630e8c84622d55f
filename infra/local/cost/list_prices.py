"""List prices of what the ledger uses in US dollars, us-east-1, November 2026.

Only costs that grow with events; free tiers, storage and keys are not included.
"""

from typing import Final

MILLION: Final = 1_000_000

USD: Final[dict[str, float]] = {
    # DynamoDB on demand: a write unit is 1 KB of one item in a table or an index; a read unit is
    # 4 KB read consistently, or 8 KB otherwise.
    "dynamodb.write_units": 0.625 / MILLION,
    "dynamodb.read_units": 0.125 / MILLION,
    # SQS standard queues: a request of any kind; 64 KB of payload each.
    "sqs.requests": 0.40 / MILLION,
    # KMS: requests with asymmetric keys other than RSA 2048; requests with symmetric keys.
    "kms.asymmetric_requests": 0.15 / 10_000,
    "kms.symmetric_requests": 0.03 / 10_000,
    # S3 Standard: PUT, COPY, POST, LIST; then GET and all others; DELETE is free.
    "s3.put_requests": 0.005 / 1_000,
    "s3.get_requests": 0.0004 / 1_000,
    # EventBridge: custom events; 64 KB each.
    "events.events": 1.00 / MILLION,
}

# What is billed without a call of a function's. HTTP APIs: a request, 512 KB of it each. Lambda on
# arm64: an invocation; a GB of memory for a second, as configured. CloudWatch Logs: a GB taken in.
API_REQUEST_USD: Final = 1.00 / MILLION
API_CHUNK_BYTES: Final = 512 * 1024
LAMBDA_REQUEST_USD: Final = 0.20 / MILLION
LAMBDA_GB_SECOND_USD: Final = 0.0000133334
LOGS_GB_USD: Final = 0.50
