"""Builders of what tests send and open: AuditEvents, CloudEvents, opened events, days of them."""
