"""What a method multiplies with."""
