"""What the database answers: frozen dataclasses, one file a room."""
