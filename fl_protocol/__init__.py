"""What server and site must agree on, bit for bit: HTTP bodies and Flower records."""
