"""What all processes agree on: which values still hold, and who hears of a change."""
