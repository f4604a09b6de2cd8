"""What the traces of a run mean: pure functions on the columns of a run, by the words of docs/glossary.md."""
