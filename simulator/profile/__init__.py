"""Vendor profiles: what a product is, how it is set up and how it misbehaves, as YAML compiled to a shared model."""
