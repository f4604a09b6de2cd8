"""What the keys of the run picker do, a room for each purpose; the screen itself lays out and says which keys work."""
