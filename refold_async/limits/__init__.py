"""Who may send when. Knows neither HTTP nor jobs."""
