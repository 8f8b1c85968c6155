"""Artists on disk: a folder for each, with a manifest and pictures."""
