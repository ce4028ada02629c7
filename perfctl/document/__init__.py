"""What every face writes: the envelope around an answer, its JSON Schema, an error as fields."""
