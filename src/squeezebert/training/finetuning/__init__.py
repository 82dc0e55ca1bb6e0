"""A pretrained model for one of the tasks."""
