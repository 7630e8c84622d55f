"""A local ledger: the synthesized templates in moto, the real handlers in this process.

| package or module | content |
|---|---|
| `cloudformation` | deploys templates and describes what was deployed |
| `aws` | moto, its extensions, and the calls that reach it |
| `lambda_runtime` | runs handlers, and the event sources that invoke them |
| `api_gateway` | the HTTP API: routes, JWT authorizer, limits |
| `iam` | refuses what the deployed policies do not allow |
| `cost` | counts calls and billed units |
| `cloud` | a deployed app with all of these, for tests and the demo |
| `serve`, `mirror` | `make local`, and copies of published files |
"""
