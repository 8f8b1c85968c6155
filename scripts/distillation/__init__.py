"""The steps of ../train_compact.py."""
