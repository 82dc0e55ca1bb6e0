"""A student learns what teachers compute."""
