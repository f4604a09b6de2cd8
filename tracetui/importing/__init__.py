"""The way of a foreign file into a store: reading it, following its growth, committing what it holds."""
