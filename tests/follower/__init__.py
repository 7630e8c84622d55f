"""The follower under the deployed templates."""
