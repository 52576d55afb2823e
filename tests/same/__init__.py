"""What the product says and shows, as a record in files: moving code about must leave all of it as it is."""
