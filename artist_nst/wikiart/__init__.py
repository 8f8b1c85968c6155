"""WikiArt: find artists, list their works, download the pictures."""
