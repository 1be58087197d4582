"""What chart authors may import into their tests: fakes, and the runners of recorded vectors and charts."""
