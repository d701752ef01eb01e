"""The lead names printed beside traces, on a page or in a lead's crop: two small networks."""
