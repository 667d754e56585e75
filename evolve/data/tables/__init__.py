"""Tables of prices as files contain them, and their conversion to bars."""
