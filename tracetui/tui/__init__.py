"""The explorer: the only room that imports Textual, and that only when it is opened."""
