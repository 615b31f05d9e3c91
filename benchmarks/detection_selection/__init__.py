"""Which configuration of detection to ship, chosen without test labels."""
