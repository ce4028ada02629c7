"""What CloudWatch has measured: requests, errors, hit ratio and latency of a distribution, and of its functions."""
