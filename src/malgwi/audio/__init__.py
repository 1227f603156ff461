"""The door: whatever comes in becomes channels of float32 samples at SAMPLE_RATE, in blocks."""
