"""What a cache would have done: a trace of requests through the policies' own files, at any size, without a server."""
