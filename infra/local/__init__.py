"""A whole local ledger: the synthesized templates in moto, the real handlers in this process.

| file | what it does |
|---|---|
| `assembly`, `intrinsics`, `cloudformation`, `resources`, `recorded` | deploy templates |
| `deploy`, `deployment` | what was deployed, in the words of who runs it |
| `emulator`, `moto_kms`, `moto_sqs`, `teaching` | moto, and what it is taught |
| `runner`, `function_log`, `caller` | run handlers as Lambda does |
| `http_event`, `http_server`, `authorizer`, `tokens` | the HTTP API |
| `queue_pump`, `event_bus`, `schedule_pump` | what else makes functions run |
| `permissions`, `policies`, `policy_requests` | what IAM would refuse is refused |
| `aws_calls`, `meter`, `dynamodb_units`, `list_prices`, `metrics` | what is asked of AWS |
| `cloud` | all of it together, for tests and the demo |
| `serve`, `mirror` | `make local` |
"""
