"""What the keys of the main screen do, a room for each purpose; the screen itself lays out and asks."""
