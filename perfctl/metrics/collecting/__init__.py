"""Where figures are measured: one file a source, and for each figure its sources in order."""
