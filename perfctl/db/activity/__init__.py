"""What happens on a server now: sessions, locks, load; and ending what is in the way."""
