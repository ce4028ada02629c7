"""The sandbox: real servers on this machine, without root, Docker or a cloud account."""
