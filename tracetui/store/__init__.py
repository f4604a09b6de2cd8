"""Where the model and the engines meet: recording, reading, transactions, following, opening."""
