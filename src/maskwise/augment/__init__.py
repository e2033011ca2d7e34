"""Photo → photo: batched, on the device, labels untouched."""
