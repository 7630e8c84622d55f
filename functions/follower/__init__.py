"""Follower: opens new records after each digest and stores views of them."""
