"""Cost: calls and billed units, at list prices."""
