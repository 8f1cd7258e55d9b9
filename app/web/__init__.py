"""Pages: routes, error pages, security. Writes go through `app.practice`; reads may go to the store."""
