"""Who may do what: permissions of roles, and policies of buckets, tables and queues."""
