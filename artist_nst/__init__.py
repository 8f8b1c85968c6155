"""Repaint a photograph the way an artist would: whole-artist neural style transfer.

>>> from artist_nst import paint, recipe
>>> painting = paint("photo.jpg", artist="procedural", recipe=recipe(width=384))
>>> painting.save("painting.png")
"""

import logging

import lazy_loader

# Late, so that `artist-nst --help` does not wait for torch. The names are listed in
# __init__.pyi, for this line and for type checkers alike.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

logging.getLogger(__name__).addHandler(logging.NullHandler())
