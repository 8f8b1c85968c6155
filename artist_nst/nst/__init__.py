"""The mathematics: networks, losses, the objective and its minimizers.

Works on tensors only: no files but the weights', no artists, no terminal. Images are
``(1, C, H, W)`` or ``(C, H, W)`` tensors on 0–255, RGB or a single channel.
"""
