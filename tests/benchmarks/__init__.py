"""What this library and its peers cost, measured side by side in one run."""
