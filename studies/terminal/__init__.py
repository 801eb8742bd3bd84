"""What a terminal takes and shows: numbers, tables, rows of text, pictures as files."""
