"""Heads over looks, one file each: what is learned of normal tubelets beside telling them from foreign ones."""
