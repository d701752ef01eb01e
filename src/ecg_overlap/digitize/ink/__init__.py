"""What is ink in a picture, and whose."""
