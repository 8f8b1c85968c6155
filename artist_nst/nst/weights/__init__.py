"""Weights of VGG networks: located, downloaded, read and checked."""
