"""How a value is had, kept and forgotten: both tiers, one computation for all who miss, help when something fails."""
