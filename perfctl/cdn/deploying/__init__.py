"""Putting edge functions at the edge of a distribution, and the version before back."""
