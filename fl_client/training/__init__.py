"""Training on the site's own tubelets."""
