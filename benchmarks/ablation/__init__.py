"""What each part of the network is worth, one factor at a time."""
