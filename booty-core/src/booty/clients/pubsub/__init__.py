"""Topics and subscriptions: the portable types, and the drivers of core."""
