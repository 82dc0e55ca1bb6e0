"""Charts as SVG: each draws one picture and knows no page."""
