"""What functions are deployed as: bundles, bytecode, bills of materials."""
