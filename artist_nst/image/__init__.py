"""Image files, pixels and colors."""
