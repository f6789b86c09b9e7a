"""The morning run: yesterday's exports in, the list out, the model kept fresh."""
