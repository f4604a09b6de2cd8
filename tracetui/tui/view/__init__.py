"""What is shown, as plain data: no Textual in here, so that a test can look at all of it."""
