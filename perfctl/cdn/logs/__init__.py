"""Access logs of CloudFront: where they lie, how they are read, and what they answer."""
