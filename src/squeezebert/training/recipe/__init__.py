"""What a run is told: recipes as dataclasses and as TOML."""
