"""The local app: the pages of a store and of the data at hand, made on request and tied together."""
