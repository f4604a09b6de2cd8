"""The explorer: the only room that imports Textual, and that only when it is opened."""

import os

# Textual paints at most so often a second, as it is imported; at its 60 what follows a key may wait for 33 ms
os.environ.setdefault("TEXTUAL_FPS", "120")
