"""What is kept of a speaker: from which recordings, how well these agree, and as a file."""
