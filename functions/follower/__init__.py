"""Follower: opens new records after each digest and keeps what is derived from them."""
