"""Companies, persons and files that are more than unremarkable, by their names and numbers."""
