"""Pictures drawn by code: people who make a data set to try everything on, and masks drawn on portraits."""
