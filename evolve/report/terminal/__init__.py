"""Tables, sentences and charts of results for the terminal."""
