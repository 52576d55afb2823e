"""What the documented clients do, situation by situation, several versions side by side: the data of docs/paths.md."""
