"""What a site keeps on its disk."""
