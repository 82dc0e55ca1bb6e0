"""Several models over several data sets, side by side."""
