"""What the CDN's answers are made of, one module a room."""
