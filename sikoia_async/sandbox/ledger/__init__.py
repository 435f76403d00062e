"""What was asked of a local Sikoia, what came of it, and what it cost."""
