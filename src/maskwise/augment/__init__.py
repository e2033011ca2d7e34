"""Photo → photo, labels untouched; and batch mixing, where photos share pixels and targets. Batched, on the device."""
