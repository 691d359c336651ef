"""The default on colour pictures, in this tree and in an earlier one, at equal processor time."""
