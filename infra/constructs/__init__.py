"""Parts of stacks: functions, queues, keys, rules, alarms, the issuer of tokens."""
