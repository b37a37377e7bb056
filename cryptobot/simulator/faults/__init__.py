"""What goes wrong and when: descriptions and decisions, without a wire."""
