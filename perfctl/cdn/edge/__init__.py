"""Edge functions: what they are given, how they run here, what CloudFront makes of what they return."""
