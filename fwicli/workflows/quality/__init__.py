"""Quality control before hours are spent: one shot modelled, compared and judged."""
