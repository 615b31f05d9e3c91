"""Many sites on one machine: synthetic world, footage replay, local grid and report."""
