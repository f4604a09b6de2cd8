"""Engines that keep runs: they have never heard of a screen, and the layers above never of a file."""
