"""The one plain training loop, and what stands around it."""
