"""A local CloudFront: a control plane that answers boto3, an edge that caches, and a sample origin behind it."""
