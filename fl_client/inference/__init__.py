"""One program that looks at the pictures of all cameras of a site."""
