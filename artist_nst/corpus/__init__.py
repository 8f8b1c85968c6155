"""Artists on disk: a folder per artist with a manifest and the pictures."""
