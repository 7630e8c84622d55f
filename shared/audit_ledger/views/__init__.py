"""Data that the follower stores and query reads: findings, skipped entries, names of states."""
