"""Small inputs after public reports, by kinds of mistakes: what a senior lineage engineer would see in them."""
