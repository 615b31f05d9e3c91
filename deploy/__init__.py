"""Setting up a federation on real machines: authority, certificates, node keys, signed roster, units, proxy."""
