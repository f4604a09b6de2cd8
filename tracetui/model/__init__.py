"""What a run and a trace are: frozen values that have never heard of a disk or a screen."""
