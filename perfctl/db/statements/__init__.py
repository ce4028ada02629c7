"""What statements cost: counted by the server, sampled live, recorded here, kept over days; one answer for all."""
