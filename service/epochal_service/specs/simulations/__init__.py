"""What the explorers may be asked, and what they answer: one file for each section."""
