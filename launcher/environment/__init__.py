"""A resolution becomes a place to run in: wheels unpacked once, and environments composed of links to them."""
