"""AWS in this process: moto with its extensions, clients, calls and saved state."""
