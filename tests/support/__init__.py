"""What tests of several rooms share: wheels made on the spot, and servers that offer them."""
