"""What must happen in one step on the server, in Lua."""

from __future__ import annotations

KEEP = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
"""Only who has the token touches the lock: it may have expired and belong to another by now."""

RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], KEYS[1])
return 1
"""
"""`pcall`: a user who may not publish frees the lock all the same, and those who wait look again by themselves."""
